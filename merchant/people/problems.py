"""Problems of accounts that a client may branch on."""

from merchant.core import errors
from merchant.core.texts import _


class TotpNotEnabled(errors.MerchantError):
    status, code = 422, "totp_not_enabled"
    title = _("No authenticator app is set up for this account; leave the code out")


class TotpEnrolled(errors.WrongState):
    code, title = "totp_enrolled", _("An authenticator app is set up already; remove it first")


class TotpRequired(errors.NotSignedIn):
    code, title = "totp_required", _("Enter the code that your authenticator app shows, or a recovery code")


class PasskeyInvalid(errors.NotSignedIn):
    code, title = "passkey_invalid", _("This passkey was not accepted; try again, or sign in with your password")


class PasskeyUnknown(errors.NotSignedIn):
    code, title = "passkey_unknown", _("We do not know this passkey; it was removed, or is of another service")


class PasskeyExpired(errors.NotSignedIn):
    code, title = "passkey_expired", _("This took too long, or was sent before; try again")


class PasskeyCopied(errors.NotSignedIn):
    code = "passkey_copied"
    title = _("This passkey seems to have been copied; sign in with your password, remove it and add a new one")


class TooManyPasskeys(errors.WrongState):
    code, title = "too_many_passkeys", _("You have as many passkeys as one person may; remove one first")


class OwnAccount(errors.NotAllowed):
    code, title = "own_account", _("Nobody changes their own roles or disables themselves; ask another administrator")


class LastOfRole(errors.WrongState):
    code = "last_of_role"
    title = _("This is the last person who can manage accounts here; appoint another first")


class LastOperators(errors.WrongState):
    code = "last_operators"
    title = _("The hub keeps two operators who can act; add another, who must have signed in, first")


class AlreadySetUp(errors.WrongState):
    code, title = "already_set_up", _("The first operator has an account already; they add the others")


class AlreadyAccepted(errors.WrongState):
    code, title = "already_accepted", _("This person has set a password; they can ask for a reset link themselves")


class LinkInvalid(errors.NotFound):
    code, title = "link_invalid", _("This link was used, has expired or is wrong; ask for a new one")
