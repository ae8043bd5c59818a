"""Pages of DFSP staff and of the hub's: one file a screen; ROUTES gathers them."""

from merchant.portal.staff import merchants

ROUTES = [*merchants.ROUTES]
