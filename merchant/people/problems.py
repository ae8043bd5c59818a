"""Problems of signing in that a client may branch on."""

from merchant.core import errors
from merchant.core.texts import _


class TotpNotEnabled(errors.MerchantError):
    status, code = 422, "totp_not_enabled"
    title = _("No authenticator app can be set up here yet; sign in without totp")
