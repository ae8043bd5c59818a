"""Pages of who registers a business, and of what owners ask for: one file a screen group; ROUTES gathers them."""

from merchant.portal.signup import application, claims, owner, photos, register, writing

ROUTES = [
    *register.ROUTES,
    *application.ROUTES,
    *photos.ROUTES,
    *writing.ROUTES,
    *owner.ROUTES,
    *claims.ROUTES,
]
