"""What an approval does: make a merchant, change one, raise or lower its tier, bring it back, or close it.

review.py decides and calls `carry_out`, which reads its table by the case's kind. A case for a live merchant keeps its
id, its counters, its numbers and its stickers: nothing here takes one away.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import latin_names
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.models import Application
from merchant.core import clock, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.phone import Msisdn, mask
from merchant.core.service import SchemeFacts, Service
from merchant.core.texts import _
from merchant.registry.aliases.operations import keep_currencies
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.lifecycle import open_counter
from merchant.registry.merchants.models import LOCATION_DETAILS, Counter, Location, Merchant
from merchant.registry.merchants.states import Capability, MerchantState, may_become, merchant_may

R = TypeVar("R", Location, Counter)
# Reasons for which a merchant was stopped that an approved case of it does away with.
_CURED = frozenset({"requirements.past_due", "review_overdue", "under_review"})
MERCHANT_PHONE = "merchant:{id}"  # as vault.seal is told


class Work(Struct, frozen=True):
    """What carrying out a case needs to know."""

    service: Service
    scheme: SchemeFacts
    actor: Actor
    case: Application
    sections: kyb.Sections
    tier: str
    policy: kyb.Policy


async def carry_out(tx: Tx, work: Work, merchant: Merchant | None) -> tuple[Merchant | None, list[Counter]]:
    """Do what the case's approval means; the merchant, and the counters that it made.

    A transfer is carried out by the service, which sees both DFSPs (moves.py). Raises WrongState for a merchant whose
    state does not permit it, AliasTaken, NumbersExhausted, InvalidFields.
    """
    kind = CaseKind(work.case.kind)
    if kind is CaseKind.ONBOARDING:
        return await _make_merchant(tx, work)
    if kind is CaseKind.TRANSFER:
        return merchant, []
    assert merchant is not None, "a case for a live merchant has one"
    if not merchant_may(merchant.state, Capability.LIVE):
        raise errors.WrongState(_("A merchant that is {state} is not changed any more.", state=merchant.state))
    made = await _EFFECTS[kind](tx, work, merchant)
    merchant.revision += 1
    await tx.flush()
    return merchant, made


async def _make_merchant(tx: Tx, work: Work) -> tuple[Merchant, list[Counter]]:
    sections = work.sections
    merchant = Merchant(
        dfsp_id=work.case.dfsp_id,
        application_id=work.case.id,
        tier=work.tier,
        tier_since=clock.now(),
        kind="",
        trading_name="",
        legal_name="",
        ussd_name="",
        mcc="",
        currencies=list(sections.business.currencies),
        country="",
        city="",
    )
    _write_answers(work, merchant)
    _plan_review(work, merchant)
    tx.session.add(merchant)
    await tx.flush()
    counters = []
    for place in sections.locations:
        counters += await _open_location(tx, work, merchant, place)
    return merchant, counters


async def put_in_force(tx: Tx, work: Work, merchant: Merchant) -> list[Counter]:
    """Put the answers in force: names, phone, currencies, places and counters."""
    taken = list(work.sections.business.currencies)
    if taken != merchant.currencies:
        await keep_currencies(tx, merchant.id, taken)
    _write_answers(work, merchant)
    places = await _by_id(tx, Location, merchant.id)
    counters = await _by_id(tx, Counter, merchant.id)
    made = []
    for place in work.sections.locations:
        if place.id is None:
            made += await _open_location(tx, work, merchant, place)
            continue
        location = places[_known(places, place.id, "locations")]
        _write_location(work, merchant, location, place)
        for point in place.counters:
            if point.id is None:
                name = point.name or location.name
                made.append(await open_counter(tx, work.scheme, merchant, location.id, name, point.own_alias))
            elif point.name:
                counters[_known(counters, point.id, "counters")].name = point.name
    await _cure(tx, work, merchant)
    return made


async def _set_tier(tx: Tx, work: Work, merchant: Merchant) -> list[Counter]:
    """Raise or lower the tier with the answers that it rests on; what was taken today and this month stays counted."""
    if merchant.tier != work.tier:
        merchant.tier, merchant.tier_since = work.tier, clock.now()
    _plan_review(work, merchant)
    return await put_in_force(tx, work, merchant)


async def _review(tx: Tx, work: Work, merchant: Merchant) -> list[Counter]:
    """The merchant was looked at again: the next review is due anew."""
    _plan_review(work, merchant)
    return await put_in_force(tx, work, merchant)


async def _reinstate(tx: Tx, work: Work, merchant: Merchant) -> list[Counter]:
    merchant.listed = False
    _plan_review(work, merchant)
    await lifecycle.move(tx, work.actor, merchant, MerchantState.ACTIVE, None)
    return []


async def _close(tx: Tx, work: Work, merchant: Merchant) -> list[Counter]:
    await lifecycle.move(tx, work.actor, merchant, MerchantState.CLOSED, "case")
    return []


_EFFECTS: dict[CaseKind, Callable[[Tx, Work, Merchant], Awaitable[list[Counter]]]] = {
    CaseKind.CHANGE: put_in_force,
    CaseKind.UPGRADE: _set_tier,
    CaseKind.DOWNGRADE: _set_tier,
    CaseKind.REVIEW: _review,
    CaseKind.REINSTATEMENT: _reinstate,
    CaseKind.CLOSURE: _close,
}


async def _cure(tx: Tx, work: Work, merchant: Merchant) -> None:
    """Let a merchant take payments again that was stopped for what it lacked, and lacks no more."""
    if merchant.stopped_for in _CURED and may_become(merchant.state, MerchantState.ACTIVE):
        await lifecycle.move(tx, work.actor, merchant, MerchantState.ACTIVE, None)


def _plan_review(work: Work, merchant: Merchant) -> None:
    """When the merchant is to be looked at again, by its tier and its risk; never where the policy says nothing."""
    tier = work.policy.tier(merchant.tier)
    every = {str(band): each for band, each in tier.review.items()}.get(work.case.risk or "low")
    today = clock.local_date(clock.now(), work.scheme.time_zone)
    merchant.next_review_on = kyb.span(every).after(today) if every else None
    merchant.check_on = today + timedelta(days=1)


def _write_answers(work: Work, merchant: Merchant) -> None:
    """The merchant's row as the answers have it."""
    business = work.sections.business
    merchant.kind, merchant.mcc = business.kind or "", business.mcc or ""
    merchant.trading_name = business.trading_name or ""
    merchant.legal_name = business.legal_name or business.trading_name or ""
    merchant.currencies = list(business.currencies)
    merchant.case_id = work.case.id
    place = work.sections.locations[0]
    merchant.country, merchant.city = place.country or "", place.city or ""
    merchant.ussd_name = latin_names.ussd_name_of(business, merchant.country)
    given = kyb.merchant_phone(work.sections)
    phone = Msisdn.of(given) if given else None
    vault = work.service.vault
    merchant.phone_digest = phone.digest(vault) if phone else None
    merchant.phone_masked = mask(str(phone)) if phone else None
    merchant.phone_sealed = vault.seal(str(phone).encode(), MERCHANT_PHONE.format(id=merchant.id)) if phone else None


async def _open_location(tx: Tx, work: Work, merchant: Merchant, place: kyb.Location) -> list[Counter]:
    location = Location(
        dfsp_id=merchant.dfsp_id, merchant_id=merchant.id, name="", kind="", country="", city="", details={}
    )
    _write_location(work, merchant, location, place)
    tx.session.add(location)
    await tx.flush()
    # A place that names no counter has one all the same: someone takes the money.
    return [
        await open_counter(tx, work.scheme, merchant, location.id, point.name or location.name, point.own_alias)
        for point in place.counters or (kyb.Counter(),)
    ]


def _write_location(work: Work, merchant: Merchant, location: Location, place: kyb.Location) -> None:
    location.name = place.name or place.city or merchant.trading_name
    location.kind = place.kind or "physical"
    location.country, location.city = place.country or merchant.country, place.city or ""
    details = msgspec.json.encode(msgspec.structs.replace(place, counters=(), id=None))
    location.details_sealed = work.service.vault.seal(details, LOCATION_DETAILS.format(id=location.id))


async def _by_id(tx: Tx, table: type[R], merchant_id: UUID) -> dict[str, R]:
    columns: Any = table
    rows = (await tx.session.exec(select(table).where(columns.merchant_id == merchant_id))).all()
    return {str(row.id): row for row in rows}


def _known(rows: Mapping[str, Any], wanted: str, section: str) -> str:
    if wanted not in rows:
        raise errors.invalid_field(section, "unknown", _("The merchant has no such place or counter."))
    return wanted
