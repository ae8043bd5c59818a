"""Shapes of the JSON API of one's own account: sessions, password, second factor, links; and of kept mails."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from merchant.core.access import Actor
from merchant.core.http import json as web
from merchant.core.http.fields import DigitsText, Instant
from merchant.notify.email import KeptMail
from merchant.people.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from merchant.people.schemas import UserView, actor_view
from merchant.people.sessions import Session
from merchant.people.sign_in import SignedIn

PasswordText = Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_LENGTH)]
NewPasswordText = Annotated[str, Meta(min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH)]


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """An e-mail address and a password; with a second factor its code, or a recovery code.

    `device` is what an earlier sign-in on this device answered as `device_token`; the header `x-device-token` is the
    same.
    """

    email: Annotated[str, Meta(max_length=254)]
    password: PasswordText
    totp: DigitsText | None = None
    recovery_code: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    device: Annotated[str, Meta(max_length=100)] | None = None


class SessionView(Struct, frozen=True):
    """A fresh token and whose it is. While `totp_enrolment_required`, it only sets up an authenticator app."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_at: Instant
    user: UserView
    device_token: str
    totp_enrolment_required: bool


class OpenSession(Struct, frozen=True):
    """Where one is signed in."""

    id: UUID
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant
    user_agent: str
    current: bool


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    """One's password now, and the new one."""

    current: PasswordText
    new: NewPasswordText


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """The password to set."""

    password: NewPasswordText


class AccountClosing(Struct, frozen=True, forbid_unknown_fields=True):
    """One's password, to close one's account."""

    password: PasswordText


class ResetRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose password to reset."""

    email: Annotated[str, Meta(max_length=254)]


class Accepted(Struct, frozen=True):
    """Taken; the answer does not tell whether anyone has the address."""

    status: Literal["accepted"] = "accepted"


class TotpStart(Struct, frozen=True, forbid_unknown_fields=True):
    """One's password."""

    password: PasswordText


class TotpEnrolment(Struct, frozen=True):
    """The secret for an authenticator app: as text, as its address, and as a QR code of it (SVG)."""

    secret: str
    otpauth_url: str
    qr_svg: str


class TotpCode(Struct, frozen=True, forbid_unknown_fields=True):
    """The code that the authenticator app shows."""

    code: DigitsText


class RecoveryCodes(Struct, frozen=True):
    """Ten codes, each good for one sign-in without the phone; shown this once."""

    recovery_codes: list[str]


class TotpRemoval(Struct, frozen=True, forbid_unknown_fields=True):
    """A code of the authenticator app, or else the password."""

    code: DigitsText | None = None
    password: PasswordText | None = None


class MailView(Struct, frozen=True):
    """A mail that was kept instead of sent."""

    id: UUID
    to: str
    subject: str
    text: str
    link: str
    created_at: Instant


def signed_in_view(signed: SignedIn) -> SessionView:
    """The answer of a sign-in."""
    return SessionView(
        signed.access_token,
        "Bearer",
        web.at(signed.expires_at),
        actor_view(signed.user),
        signed.device_token,
        signed.user.must_enrol,
    )


def session_view(row: Session, actor: Actor) -> OpenSession:
    """A session of the actor's."""
    seen, expires = web.at(row.last_seen_at), web.at(row.expires_at)
    return OpenSession(row.id, web.at(row.created_at), seen, expires, row.user_agent, row.id == actor.session_id)


def mail_view(row: KeptMail) -> MailView:
    """A kept mail."""
    mail = row.mail
    return MailView(mail.id, mail.to, mail.subject, mail.text, mail.link, web.at(row.created_at))
