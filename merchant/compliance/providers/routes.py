"""JSON routes of one-time codes, for applications and cases alike."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from merchant.compliance.cases.case_schemas import VerificationView, verification_view
from merchant.compliance.cases.twins import both
from merchant.compliance.providers import phone_codes
from merchant.compliance.providers.problems import NoCode, NoTextSender, PhoneChanged, TooManyCodes, WrongCode
from merchant.core import clock, errors
from merchant.core.access import Permission as P
from merchant.core.http.fields import DigitsText, Instant
from merchant.core.http.route import Call
from merchant.core.phone import mask
from merchant.core.texts import _n


class NewPhoneCode(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose phone it is, by the path of the answer, such as contact.phone.

    Absent, it is the phone that reaches the merchant; a path must name that one.
    """

    path: Annotated[str, Meta(max_length=64)] | None = None


class PhoneCodeSent(Struct, frozen=True):
    """A code that is on its way: to which phone, until when it is valid, and how many wrong tries it takes."""

    phone_masked: str
    expires_at: Instant
    tries: int


class CodeReadOut(Struct, frozen=True, forbid_unknown_fields=True):
    """The code as the customer reads it out."""

    code: DigitsText


@both(
    "POST",
    "/api/v1/applications/{application_id}/phone-code",
    permission=P.APPLICATIONS_WRITE,
    body=NewPhoneCode,
    answer=PhoneCodeSent,
    status=201,
    idempotency_key="optional",
    raises=(errors.WrongState, NoTextSender, TooManyCodes),
)
async def send_phone_code(call: Call[NewPhoneCode], application_id: UUID) -> PhoneCodeSent:
    """Send a one-time code to the phone that reaches the merchant of an application; an older one ends."""
    sent = await phone_codes.send_code(call.tx, call.service, call.actor, application_id, call.body.path)
    return PhoneCodeSent(mask(str(sent.phone)), clock.rfc3339(sent.expires_at), phone_codes.TRIES_MAX)


@both(
    "POST",
    "/api/v1/applications/{application_id}/phone-code/confirm",
    permission=P.APPLICATIONS_WRITE,
    body=CodeReadOut,
    answer=VerificationView,
    raises=(errors.WrongState, NoCode, PhoneChanged, WrongCode),
    transaction=False,
)
async def confirm_phone_code(call: Call[CodeReadOut], application_id: UUID) -> VerificationView:
    """Verify the phone by the code that the customer of an application reads out."""
    service, actor = call.service, call.actor
    # A wrong try counts although it is refused, so the transaction ends before the refusal.
    async with service.db.tenant(actor.dfsp_id) as tx:
        tried = await phone_codes.confirm_code(tx, service, actor, application_id, call.body.code)
        view = verification_view(actor, service.vault, tried.verification) if tried.verification else None
    if view is None:
        told = _n("{count} more try is left.", "{count} more tries are left.", tried.tries_left)
        raise WrongCode(errors=(errors.FieldError("code", "wrong_code", told),))
    return view


ROUTES = [send_phone_code, confirm_phone_code]
