"""Shapes of the JSON API of self-registration: codes, registrations, one's own application, claims, owners' wishes."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, convert

import kyb
from merchant.compliance.cases import returned, sealed_fields
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.merchant_cases import Opened
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.schemas import ReturnedItemView
from merchant.compliance.cases.states import ApplicationState
from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.http import json as web
from merchant.core.http.fields import DigitsText, Instant, NameText, ReasonText
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.people.registration.addresses import address_of
from merchant.people.registration.claim_states import ClaimState
from merchant.people.registration.models import CLAIM_REASON, CLAIMANT_ADDRESS, CLAIMANT_NAME, MerchantClaim
from merchant.people.registration.own_application import Seat
from merchant.people.registration.steps import StepName, StepState, steps_of
from merchant.people.schemas import Email

PhoneText = Annotated[str, Meta(min_length=1, max_length=32)]
LanguageCode = Literal["en", "fr", "sw", "rw", "my", "ar"]  # texts.OFFERED
SECTIONS = ("business", "owners", "contact", "locations", "settlement_account")


class CodeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a code is sent: a phone number or an e-mail address, not both."""

    phone: PhoneText | None = None
    email: Email | None = None


class CodeSignIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An address and the code that was sent to it."""

    phone: PhoneText | None = None
    email: Email | None = None
    code: DigitsText


class NewRegistration(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who registers: the address with its code, at which DFSP, the person's name, and their language."""

    phone: PhoneText | None = None
    email: Email | None = None
    code: DigitsText
    dfsp_id: UUID
    name: NameText
    language: LanguageCode | None = None


class NewClaim(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The number of a shop that is in the system already, and who says that it is theirs."""

    number: Annotated[str, Meta(min_length=1, max_length=40)]
    phone: PhoneText | None = None
    email: Email | None = None
    code: DigitsText
    name: NameText


class ParticipantView(Struct, frozen=True):
    """A DFSP at which a merchant may register."""

    id: UUID
    name: str


class StepView(Struct, frozen=True):
    """A step of an application, how it stands, and since when where that is known."""

    name: StepName
    state: StepState
    at: Instant | None


class OwnCounterView(Struct, frozen=True):
    """The number of a counter."""

    alias: str


class MyApplicationView(Struct, frozen=True, kw_only=True):
    """One's own application: where it stands in steps, what was given back, and the answers so far.

    reason is that of a rejection. The identity numbers and birth dates of a draft are masked once it was handed in.
    """

    id: UUID
    dfsp: ParticipantView
    state: ApplicationState
    version: int
    handed_in_at: Instant | None
    steps: list[StepView]
    returned_items: list[ReturnedItemView] | None
    reason: str | None
    merchant_id: UUID | None
    counters: list[OwnCounterView]
    business: kyb.Business
    owners: tuple[kyb.Owner, ...]
    contact: kyb.Contact
    locations: tuple[kyb.Location, ...]
    settlement_account: kyb.SettlementAccount


class MyMerchantView(Struct, frozen=True, kw_only=True):
    """The answers of one's own merchant that are in force; identity and tax numbers and birth dates are masked.

    A section that a wish for a change names is replaced whole, so it begins with what stands here.
    """

    business: kyb.Business
    owners: tuple[kyb.Owner, ...]
    contact: kyb.Contact
    locations: tuple[kyb.Location, ...]
    settlement_account: kyb.SettlementAccount


class OwnSections(Struct, frozen=True, forbid_unknown_fields=True):
    """The sections to replace; what is not named stays."""

    business: kyb.Business | UnsetType = UNSET
    owners: kyb.Owners | UnsetType = UNSET
    contact: kyb.Contact | UnsetType = UNSET
    locations: kyb.Locations | UnsetType = UNSET
    settlement_account: kyb.SettlementAccount | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """The sections that were sent."""
        return {name: getattr(self, name) for name in SECTIONS if getattr(self, name) is not UNSET}


class ChosenDfsp(Struct, frozen=True, forbid_unknown_fields=True):
    """The DFSP at which to register."""

    dfsp_id: UUID


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """What an owner asks for: the sections that shall change, or the tier, the DFSP or the reason that it takes."""

    kind: Literal["upgrade", "change", "transfer", "closure"]
    target_tier: Annotated[str, Meta(max_length=16)] | None = None
    dfsp_id: UUID | None = None
    reason: ReasonText | None = None
    business: kyb.Business | UnsetType = UNSET
    owners: kyb.Owners | UnsetType = UNSET
    contact: kyb.Contact | UnsetType = UNSET
    locations: kyb.Locations | UnsetType = UNSET
    settlement_account: kyb.SettlementAccount | UnsetType = UNSET

    def opened(self) -> Opened:
        """What the operation takes. Raises InvalidFields for a transfer without a DFSP, or one on another case."""
        if (self.kind == "transfer") != (self.dfsp_id is not None):
            raise errors.invalid_field("dfsp_id", "invalid", _("A transfer names a DFSP, and no other case does."))
        changes = {name: getattr(self, name) for name in SECTIONS if getattr(self, name) is not UNSET}
        return Opened(CaseKind(self.kind), self.target_tier, self.reason, changes, to_dfsp_id=self.dfsp_id)


class WishView(Struct, frozen=True):
    """What an owner asked for, and where it stands; reason is that of a rejection."""

    id: UUID
    kind: CaseKind
    state: ApplicationState
    target_tier: str | None
    handed_in_at: Instant | None
    reason: str | None
    created_at: Instant
    updated_at: Instant


class ClaimView(Struct, frozen=True):
    """Somebody who says that a merchant is theirs. Hub staff do not see who."""

    id: UUID
    merchant_id: UUID
    trading_name: str
    state: ClaimState
    name: str | None
    phone: str | None
    email: str | None
    created_at: Instant
    decided_at: Instant | None
    decided_by: UUID | None
    reason: str | None


def my_application_view(
    vault: Vault, row: Application, sections: kyb.Sections, seat: Seat, aliases: list[str]
) -> MyApplicationView:
    """An application as its applicant sees it."""
    items = returned.shown_items(vault, row)
    return MyApplicationView(
        id=row.id,
        dfsp=ParticipantView(seat.id, seat.name),
        state=ApplicationState(row.state),
        version=row.version,
        handed_in_at=web.at_or_none(row.handed_in_at),
        steps=[StepView(one.name, one.state, web.at_or_none(one.at)) for one in steps_of(row)],
        returned_items=None
        if items is None
        else [ReturnedItemView(one.path, one.reason, one.resolved) for one in items],
        reason=sealed_fields.reject_reason_of(vault, row),
        merchant_id=row.merchant_id,
        counters=[OwnCounterView(alias) for alias in aliases],
        business=sections.business,
        owners=sections.owners,
        contact=sections.contact,
        locations=sections.locations,
        settlement_account=sections.settlement_account,
    )


def my_merchant_view(sections: kyb.Sections) -> MyMerchantView:
    """The answers of a merchant as its owner sees them."""
    return MyMerchantView(**{name: getattr(sections, name) for name in SECTIONS})


def wish_view(vault: Vault, row: Application) -> WishView:
    """What an owner asked for."""
    return WishView(
        row.id,
        CaseKind(row.kind),
        ApplicationState(row.state),
        row.target_tier,
        web.at_or_none(row.handed_in_at),
        sealed_fields.reject_reason_of(vault, row),
        web.at(row.created_at),
        web.at(row.updated_at),
    )


def claim_view(vault: Vault, actor: Actor, row: MerchantClaim, trading_name: str) -> ClaimView:
    """A claim as the actor may see it."""
    name = reason = None
    address = None
    if actor.dfsp_id is not None:
        name = vault.open(row.name_sealed, CLAIMANT_NAME.format(id=row.id)).decode()
        address = address_of(vault.open(row.address_sealed, CLAIMANT_ADDRESS.format(id=row.id)).decode())
        if row.reason_sealed is not None:
            reason = vault.open(row.reason_sealed, CLAIM_REASON.format(id=row.id)).decode()
    return ClaimView(
        id=row.id,
        merchant_id=row.merchant_id,
        trading_name=trading_name,
        state=convert(row.state, ClaimState),
        name=name,
        phone=str(address.phone) if address is not None and address.phone is not None else None,
        email=address.email if address is not None else None,
        created_at=web.at(row.created_at),
        decided_at=web.at_or_none(row.decided_at),
        decided_by=row.decided_by,
        reason=reason,
    )
