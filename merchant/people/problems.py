"""Problems of signing in that a client may branch on."""

from merchant.core import errors


class TotpNotEnabled(errors.MerchantError):
    status, code = 422, "totp_not_enabled"
    title = "No authenticator app can be set up here yet; sign in without totp"
