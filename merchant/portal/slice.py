"""What the portal exports to the programs."""

from collections.abc import Mapping

from merchant.core.access import Permission
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.portal import guide, home, hub, merchant, pay, review, signup, staff, well_known
from merchant.portal import help as helping
from merchant.portal.account import account, notifications, passkeys, profile, set_up, sign_in
from merchant.portal.docs import docs
from merchant.portal.refunds import shop as shop_refunds
from merchant.portal.refunds import staff as staff_refunds
from merchant.portal.ui import pages

ROUTES = [
    *pages.ROUTES,
    *home.ROUTES,
    *pay.ROUTES,
    *account.ROUTES,
    *set_up.ROUTES,
    *sign_in.ROUTES,
    *profile.ROUTES,
    *notifications.ROUTES,
    *passkeys.ROUTES,
    *review.ROUTES,
    *signup.ROUTES,
    *shop_refunds.ROUTES,
    *staff_refunds.ROUTES,
    *staff.ROUTES,
    *hub.ROUTES,
    *helping.ROUTES,
    *merchant.ROUTES,
    *docs.ROUTES,
    *guide.ROUTES,
    *well_known.ROUTES,
]
JOBS: tuple[JobKind, ...] = ()
TIMERS: tuple[Timer, ...] = ()
PRUNED: tuple[Pruned, ...] = ()
PERMISSIONS: Mapping[Permission, str] = {}
