"""Opening a shop by telephone (ussd.SignUpBackend): the application that the pages make, by the same operations.

The gateway's line shows whose telephone it is; a one-time code is sent where the DFSP's policy asks for one, and only
it verifies the number. What is typed goes into the sealed answers of the application and nowhere else.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import ussd
from merchant.compliance.cases import answers, sealed_fields
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import ENDS, ApplicationState, Capability, application_may, may_apply_again
from merchant.core import errors
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.notify import sms
from merchant.people.registration import accounts, codes, own_application, register, short_form
from merchant.people.registration.addresses import Address
from merchant.people.registration.problems import AddressLocked, CodesSpent
from merchant.people.registration.register import Registration
from merchant.people.registration.short_form import Sections

# The newest application of whoever has this phone, and the number of the shop that it became.
_OWN = """
SELECT u.id AS user_id, u.merchant_id, u.roles = ARRAY['merchant_applicant'] AS is_applicant, d.name AS dfsp, a.id,
       a.state, a.handed_in_at, a.version,
       (SELECT alias FROM counter WHERE merchant_id = a.merchant_id AND closed_at IS NULL ORDER BY id LIMIT 1) AS number
FROM app_user u LEFT JOIN dfsp d ON d.id = u.dfsp_id
LEFT JOIN LATERAL (
  SELECT * FROM application WHERE applicant_id = u.id AND kind = 'onboarding' ORDER BY id DESC LIMIT 1) a ON true
WHERE u.phone_digest = $1
"""
_OPEN_OF_IDENTITY = """
SELECT 1 FROM application_identifier i JOIN application a ON a.id = i.application_id
WHERE i.kind = 'id_number' AND i.digest = $1 AND a.kind = 'onboarding' AND a.state <> ALL($2)
  AND a.applicant_id IS DISTINCT FROM $3
LIMIT 1
"""
_FIELDS: Mapping[str, ussd.SignUpField] = {
    "owners[0].given_name": "name",
    "contact.name": "name",
    "business.trading_name": "business",
    "locations[0].city": "town",
    "owners[0].id_number": "id",
    "owners[0].birth_date": "birth",
}


_TOLD_OF: Mapping[ApplicationState, str] = {
    ApplicationState.APPROVED: "approved",
    ApplicationState.REJECTED: "refused",
    ApplicationState.RETURNED: "returned",
}


_REFUSED = "SELECT id, reject_reason, reject_reason_sealed FROM application WHERE id = $1"


class SignUpService:
    """What the sign-up may ask, answered within the step's transaction."""

    _tx: Tx
    _service: Service
    _msisdn_digest: bytes

    async def sign_up_status(self, msisdn: str) -> ussd.SignUpStatus:
        """Where this phone's application stands, whoever began it."""
        row = await self._tx.fetchrow(_OWN, self._msisdn_digest)
        if row is None:
            return ussd.SignUpStatus("none")
        if row["state"] is None:
            return ussd.SignUpStatus("none" if row["is_applicant"] else "taken")
        state, dfsp = ApplicationState(row["state"]), row["dfsp"] or ""
        told = _TOLD_OF.get(state)
        if told == "approved" and row["number"]:
            return ussd.SignUpStatus("approved", dfsp, number=row["number"])
        if row["merchant_id"] is not None or not row["is_applicant"]:
            return ussd.SignUpStatus("taken")
        if told == "refused":
            return ussd.SignUpStatus("refused", dfsp, reason=await self._reason(row["id"]))
        if may_apply_again(state):
            return ussd.SignUpStatus("none")
        if told == "returned":
            return ussd.SignUpStatus("returned", dfsp)
        if application_may(state, Capability.EDIT) and row["handed_in_at"] is None:
            return ussd.SignUpStatus("none" if row["version"] == 1 else "returned", dfsp)  # begun on the pages
        return ussd.SignUpStatus("checking", dfsp)

    async def _reason(self, application_id: UUID) -> str:
        found = await self._tx.fetchrow(_REFUSED, application_id)
        return sealed_fields.reject_reason_of(self._service.vault, Application(**dict(found or {}))) or ""

    async def sign_up_dfsps(self) -> Sequence[ussd.SignUpDfsp]:
        """The DFSPs that take part, by name."""
        return [ussd.SignUpDfsp(str(one.id), one.name) for one in await register.read_participants(self._tx)]

    async def sign_up_faults(self, form: ussd.SignUpForm) -> Mapping[ussd.SignUpField, str]:
        """The answers that an application would not take."""
        faults = await short_form.faults(self._service, self._form(form))
        return {_FIELDS[path]: code for path, code in faults if path in _FIELDS}

    async def send_sign_up_code(self, msisdn: str, language: str, form: ussd.SignUpForm) -> ussd.CodeOutcome:
        """Send a code where the policy of the DFSP asks that one verifies the phone."""
        if not sms.can_send(self._service.settings) or not await short_form.asks_code(
            self._service, self._form(form, msisdn), UUID(form.dfsp_id)
        ):
            return "not_needed"
        try:
            await codes.write_code(self._tx, self._service, Address(phone=Msisdn.of(msisdn)), language)
        except (CodesSpent, AddressLocked):
            return "spent"
        return "sent"

    async def sign_up(self, order: ussd.SignUpOrder) -> ussd.SignUpOutcome:
        """Make the person, their application and its answers, and hand it in: all of it, or nothing."""
        tx, service = self._tx, self._service
        address, dfsp_id = Address(phone=Msisdn.of(order.msisdn)), UUID(order.form.dfsp_id)
        try:
            sections = await short_form.sections(service, self._form(order.form, order.msisdn))
        except errors.InvalidFields:
            return "refused"
        forms = {kind: form for _path, kind, form in answers.identifiers(sections)}
        identity = tx.vault.digest("id_number", forms["id_number"])
        # Two phones with one identity, or two sessions of one phone, at the same moment.
        for key in sorted((identity.hex(), self._msisdn_digest.hex())):
            await take_turn(tx, f"ussd sign-up {key}")
        if order.code is not None:
            tried = await codes.take_code(tx, service, address, order.code)
            if not tried.right:
                return "locked" if tried.wait_s else "wrong_code"
        known = await accounts.find_account(tx, address)
        if known is not None and not known.is_applicant:
            return "phone_taken"
        ended = [state.value for state in ENDS]
        if await tx.fetchval(_OPEN_OF_IDENTITY, identity, ended, None if known is None else known.id):
            return "id_taken"
        new = Registration(address=address, code="", dfsp_id=dfsp_id, name=order.form.name, language=order.language)
        try:
            await register.check_participant(tx, dfsp_id)
        except errors.InvalidFields:
            return "refused"
        return await self._hand_in(new, sections, is_proved=order.code is not None)

    async def _hand_in(self, new: Registration, sections: Sections, *, is_proved: bool) -> ussd.SignUpOutcome:
        """Write the answers into the person's draft, the one that they began on the pages perhaps, and hand it in."""
        tx, service = self._tx, self._service
        found, begun = await register.begin(tx, service, new, is_proved=is_proved)
        dfsp_id = new.dfsp_id if begun else found.dfsp_id
        assert dfsp_id is not None, "an applicant is of a DFSP"
        actor = register.applicant(found.id, found.name, dfsp_id)
        draft = await own_application.own_application(tx, actor)
        if not application_may(draft.state, Capability.EDIT) or draft.handed_in_at is not None:
            return "phone_taken"
        if dfsp_id != new.dfsp_id:
            draft = await own_application.choose_dfsp(tx, actor, new.dfsp_id)
            actor = register.applicant(found.id, found.name, new.dfsp_id)
        changes: dict[str, object] = {
            name: getattr(sections, name) for name in ("business", "owners", "contact", "locations")
        }
        await own_application.change_own(tx, service, actor, draft.revision, changes)
        await own_application.hand_in(tx, actor)
        return "sent"

    def _form(self, form: ussd.SignUpForm, msisdn: str = "") -> short_form.ShortForm:
        return short_form.ShortForm(
            name=form.name,
            business=form.business,
            mcc=form.mcc,
            town=form.town,
            id_number=form.id_number,
            born=form.born,
            phone=msisdn,
        )
