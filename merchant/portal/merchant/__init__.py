"""Pages of a merchant's own people, for an old phone at a stall: one file a screen; ROUTES gathers them."""

from merchant.portal.merchant import (
    asked,
    code,
    day,
    home,
    more,
    notifications,
    offline,
    payments,
    people,
    prices,
    till,
    waiting,
)

ROUTES = [
    *home.ROUTES,
    *till.ROUTES,
    *prices.ROUTES,
    *waiting.ROUTES,
    *asked.ROUTES,
    *payments.ROUTES,
    *day.ROUTES,
    *code.ROUTES,
    *more.ROUTES,
    *notifications.ROUTES,
    *people.ROUTES,
    *offline.ROUTES,
]
