"""The oracle: what the hub's Account Lookup Service asks and registers, and the batches of external DFSPs.

The Account Lookup Service checks answers literally (single POST exactly 201, PUT with a JSON body, "unknown" as an
empty list); it drops the sub-id on DELETE, so a DELETE never takes a parent with it. A refusal therefore names its
status and its FSPIOP code where it is raised; routes.py reads the requests and writes the answers.
"""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from merchant.core import clock, money
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.http.fields import NameText
from merchant.core.http.raw import Refused
from merchant.core.http.shape import find_faults
from merchant.core.service import SchemeFacts, Service
from merchant.core.settings import Settings
from merchant.core.texts import _
from merchant.registry.aliases import operations as aliases
from merchant.registry.aliases.quota import Quota, open_quota, save_quota
from merchant.registry.oracle.claims import Unclaimed, claim_chosen
from merchant.registry.oracle.open_codes import find_open_code

PARTY_ID_TYPES = frozenset({"ALIAS", "BUSINESS", "MERCHANT_PAYINTOID"})
_IDENTIFIER_RULE = _(
    "An identifier has 1 to 32 letters, digits, dots, hyphens or underscores, and is no reserved word."
)
_QUOTA_SPENT = _("Your DFSP has registered as many aliases as it may today, or in all; ask the scheme's operator.")
MAX_IDENTIFIER = 128  # FSPIOP data model, PartyIdentifier
MAX_BATCH = 10_000  # FSPIOP API definition 1.1: partyList has at most 10,000 elements
AnyText = Annotated[str, Meta(max_length=MAX_IDENTIFIER)]  # what is read at all; the rules of each field are narrower
_LAST = "\x7f"  # sorts after every alias
_SUB_ID = re.compile(r"[^\s\x00-\x1f{}<>`\\]{1,128}")  # as the Account Lookup Service checks it


class NotTheirs(Refused):
    """A participant asked for what only another participant, or the hub, may do."""

    def __init__(self, description: str) -> None:
        super().__init__(403, "3000", description)


_REFUSED = {
    Unclaimed.TAKEN: (400, "3003", "This identifier belongs to another participant."),
    Unclaimed.LIKE_A_NUMBER: (400, "3003", "This identifier looks like a drawn number; choose one with letters."),
    Unclaimed.QUOTA: (429, "3003", "The participant has registered as many identifiers as it may; ask the scheme."),
}
_UNKNOWN_DFSP = (400, "3201", "No enabled participant of this registry has that fspId.")


class Route(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One row of an answer's partyList."""

    fsp_id: str
    currency: str | None = None
    party_sub_id_or_type: str | None = None


class NewRoute(Struct, frozen=True, rename="camel"):
    """Body of POST and PUT /participants/{Type}/{ID}."""

    fsp_id: Annotated[str, Meta(min_length=1, max_length=32)]
    currency: AnyText | None = None
    party_sub_id_or_type: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class BulkParty(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One party of a bulk registration."""

    party_id_type: AnyText
    party_identifier: AnyText
    fsp_id: Annotated[str, Meta(min_length=1, max_length=32)]
    currency: AnyText | None = None
    party_sub_id_or_type: AnyText | None = None


class BulkRegistration(Struct, frozen=True, rename="camel"):
    """Body of POST /participants as the Account Lookup Service sends it."""

    request_id: AnyText
    party_list: Annotated[list[Any], Meta(min_length=1, max_length=MAX_BATCH)]  # BulkParty, or answered as none
    currency: AnyText | None = None


class ExternalMerchant(Struct, frozen=True):
    """One row of an external DFSP's batch."""

    merchant_id: NameText
    currency: Annotated[str, Meta(max_length=3)]
    alias_value: AnyText | None = None


class ExternalResult(Struct, frozen=True, omit_defaults=True):
    """What became of a row; `error` says why it has no number, in the language asked for."""

    merchant_id: str
    alias_value: str | None
    status: Literal["registered", "exists", "error"]
    error: str | None = None


_FIND = """
SELECT d.fsp_id, a.currency FROM alias a JOIN dfsp d ON d.id = a.dfsp_id
WHERE a.alias_type = $1 AND a.alias = $2 AND a.sub_id = $3 AND a.active AND d.enabled
"""
_KNOWN = """
SELECT external_merchant_id, alias, currency FROM alias WHERE dfsp_id = $1 AND external_merchant_id = ANY($2)
"""
_SUB_IDS = "SELECT DISTINCT sub_id FROM alias WHERE alias_type = $1 AND alias = $2"
_CLOSE = """
DELETE FROM alias WHERE alias_type = $1 AND alias = $2 AND sub_id = $3 AND ($4 = '' OR currency = $4)
"""
_RETIRE = "UPDATE alias_claim SET retired_at = $3 WHERE alias_type = $1 AND alias = $2"
_OPEN = """
INSERT INTO alias (alias_type, alias, sub_id, currency, dfsp_id, external_merchant_id, active)
VALUES ($1, $2, $3, $4, $5, $6, true) ON CONFLICT (alias_type, alias, sub_id, currency) DO NOTHING
"""


async def find_routes(tx: Reads, alias_type: str, identifier: str, sub_id: str, currency: str) -> list[Route]:
    """Which FSP serves an alias; empty for whatever is unknown, suspended, closed or disabled."""
    rows = await tx.fetch(_FIND, alias_type, identifier, sub_id)
    if sub_id and not rows:
        rows = await find_open_code(tx, alias_type, identifier, sub_id)
    if currency:
        fitting = (row for row in rows if row["currency"] in ("", currency))
        return [Route(row["fsp_id"], row["currency"] or None, sub_id or None) for row in fitting]
    # The look-up service asks each row's DFSP, and one that is in two rows twice; so each is in one.
    currencies: dict[str, set[str]] = {}
    for row in rows:
        currencies.setdefault(row["fsp_id"], set()).add(row["currency"])
    return [
        Route(fsp_id, next(iter(taken)) or None if len(taken) == 1 else None, sub_id or None)
        for fsp_id, taken in currencies.items()
    ]


def check_identifier(alias_type: str, identifier: str, sub_id: str = "") -> None:
    """Refuse what cannot be an alias of ours. Raises Refused."""
    if alias_type not in PARTY_ID_TYPES:
        raise Refused(400, "3100", f"This oracle serves {', '.join(sorted(PARTY_ID_TYPES))} only.")
    if not aliases.is_identifier(identifier):
        raise Refused(400, "3100", _IDENTIFIER_RULE)
    if sub_id and not _SUB_ID.fullmatch(sub_id):
        raise Refused(400, "3100", "A sub-identifier has 1 to 128 characters, without blanks and brackets.")


def may_be_ours(alias_type: str, identifier: str, sub_id: str) -> bool:
    """Whether a look-up is worth asking the table: other legal FSPIOP identifiers are unknown here, not wrong.

    Raises Refused for a type we do not serve and for what FSPIOP does not allow.
    """
    if len(identifier) > MAX_IDENTIFIER:
        raise Refused(400, "3100", f"An identifier has at most {MAX_IDENTIFIER} characters.")
    check_identifier(alias_type, "x", sub_id)
    return aliases.is_identifier(identifier)


async def register(
    tx: Tx, service: Service, alias_type: str, identifier: str, new: NewRoute, source: str | None
) -> None:
    """Register an identifier that an external DFSP owns. `source` is the FSPIOP-Source of the one that asked.

    Raises Refused (3003, 3201) when the identifier or the DFSP cannot be, NotTheirs for a party of another participant.
    """
    if not _speaks_for(service.settings, source, new.fsp_id):
        raise NotTheirs("A participant registers its own parties only.")
    quota = await open_quota(tx, service.settings, await _dfsp_of(tx, new.fsp_id))
    await _register_route(tx, await service.scheme(), quota, alias_type, identifier, new)
    await save_quota(tx, quota)


async def _register_route(
    tx: Tx, scheme: SchemeFacts, quota: Quota, alias_type: str, identifier: str, new: NewRoute
) -> None:
    sub_id = new.party_sub_id_or_type or ""
    check_identifier(alias_type, identifier, sub_id)
    currency = _checked_currency(new.currency)
    claimed = await claim_chosen(tx, scheme, quota, alias_type, identifier, identifier, None)
    if isinstance(claimed, Unclaimed):
        raise Refused(*_REFUSED[claimed])
    await tx.execute(_OPEN, alias_type, identifier, sub_id, currency, quota.dfsp_id, claimed)


async def change(
    tx: Tx, settings: Settings, alias_type: str, identifier: str, new: NewRoute, source: str | None
) -> None:
    """Point an external DFSP's identifier at another FSP: its holder gives it away, or the hub moves it.

    Raises Refused for the registry's own and unknown ones, NotTheirs when another participant asks.
    """
    check_identifier(alias_type, identifier)
    if new.party_sub_id_or_type:
        raise Refused(400, "3100", "A sub-identifier moves with its identifier; name the identifier only.")
    _checked_currency(new.currency)
    holder = await _lock_external(tx, alias_type, identifier)
    if not _speaks_for(settings, source, holder):
        raise NotTheirs("This identifier belongs to another participant.")
    dfsp_id = await _dfsp_of(tx, new.fsp_id)
    await tx.execute(
        "UPDATE alias_claim SET dfsp_id = $3 WHERE alias_type = $1 AND alias = $2", alias_type, identifier, dfsp_id
    )
    await tx.execute(
        "UPDATE alias SET dfsp_id = $3 WHERE alias_type = $1 AND alias = $2", alias_type, identifier, dfsp_id
    )


async def remove(
    tx: Tx, settings: Settings, alias_type: str, identifier: str, sub_id: str, currency: str, source: str | None
) -> None:
    """Take an external DFSP's identifier out, or one of its sub-ids, or either in one currency only.

    Raises Refused for the registry's own, and for an identifier that has sub-ids; NotTheirs when another participant
    asks.
    """
    check_identifier(alias_type, identifier, sub_id)
    holder = await _lock_external(tx, alias_type, identifier)
    if not _speaks_for(settings, source, holder):
        raise NotTheirs("This identifier belongs to another participant.")
    sub_ids = {row["sub_id"] for row in await tx.fetch(_SUB_IDS, alias_type, identifier)}
    if sub_id not in sub_ids:
        raise Refused(404, "3204", "There is no such identifier.")
    if not sub_id and sub_ids != {""}:
        # The Account Lookup Service drops the sub-id on DELETE: this may mean one till, not the merchant.
        raise Refused(400, "3000", "This identifier has sub-identifiers; it cannot be told which one is meant.")
    if not await tx.execute(_CLOSE, alias_type, identifier, sub_id, currency):
        raise Refused(404, "3204", "There is no such identifier in this currency.")
    if not await tx.fetch(_SUB_IDS, alias_type, identifier):
        await tx.execute(_RETIRE, alias_type, identifier, clock.now())


def _speaks_for(settings: Settings, source: str | None, fsp_id: str) -> bool:
    """Whether whoever asks may act for a participant: itself, letter by letter, or the hub.

    The Account Lookup Service relays the FSPIOP-Source of the participant that asked it. A call without one is the
    hub's own: only the hub passes the gateway.
    """
    return not source or source == fsp_id or settings.is_hub(source)


async def _lock_external(tx: Tx, alias_type: str, identifier: str) -> str:
    """Lock an external DFSP's claim and return the FSP's id."""
    claim = await tx.fetchrow(
        "SELECT c.counter_id, c.retired_at, d.fsp_id FROM alias_claim c JOIN dfsp d ON d.id = c.dfsp_id"
        " WHERE c.alias_type = $1 AND c.alias = $2 FOR UPDATE OF c",
        alias_type,
        identifier,
    )
    if claim is None or claim["retired_at"] is not None:
        raise Refused(404, "3204", "There is no such identifier.")
    if claim["counter_id"] is not None:
        raise Refused(403, "3000", "This identifier was issued by the merchant registry and is managed there.")
    return str(claim["fsp_id"])


async def register_bulk(
    tx: Tx, service: Service, batch: BulkRegistration, source: str | None
) -> list[dict[str, object]]:
    """Register many parties; each answered in order, with its own error where it has one.

    Raises Refused when no row can be read.
    """
    results: list[dict[str, object]] = [{"partyId": given} for given in batch.party_list]
    readable: list[tuple[BulkParty, dict[str, object]]] = []
    for result in results:
        try:
            readable.append((msgspec.convert(result["partyId"], BulkParty), result))
        except msgspec.ValidationError as error:
            result["errorInformation"] = {"errorCode": "3100", "errorDescription": f"{error}."[:128]}
    if not readable:
        raise Refused(400, "3100", "No row of partyList can be read.")
    scheme = await service.scheme()
    quotas = await _quotas_of(tx, service, {party.fsp_id for party, _result in readable})
    # By name, so that two batches at once do not wait for each other.
    for party, result in sorted(readable, key=lambda pair: pair[0].party_identifier):
        new = NewRoute(party.fsp_id, party.currency or batch.currency, party.party_sub_id_or_type)
        try:
            if not _speaks_for(service.settings, source, party.fsp_id):
                raise NotTheirs("A participant registers its own parties only.")
            if party.fsp_id not in quotas:
                raise Refused(*_UNKNOWN_DFSP)
            quota = quotas[party.fsp_id]
            await _register_route(tx, scheme, quota, party.party_id_type, party.party_identifier, new)
        except Refused as refused:
            result["errorInformation"] = {"errorCode": refused.error_code, "errorDescription": refused.description}
    for quota in quotas.values():
        await save_quota(tx, quota)
    return results


async def _quotas_of(tx: Tx, service: Service, fsp_ids: set[str]) -> dict[str, Quota]:
    """The quotas of the enabled ones; in one order, so that two bulks at once do not wait for each other."""
    rows = await tx.fetch("SELECT id, fsp_id FROM dfsp WHERE fsp_id = ANY($1) AND enabled", sorted(fsp_ids))
    return {
        row["fsp_id"]: await open_quota(tx, service.settings, row["id"])
        for row in sorted(rows, key=lambda row: row["id"])
    }


def read_row(row: Any) -> ExternalMerchant | ExternalResult:
    """One row of a batch; what cannot be read is answered in its place."""
    try:
        return msgspec.convert(row, ExternalMerchant)
    except msgspec.ValidationError as error:
        named = row.get("merchant_id") if isinstance(row, dict) else None
        fault = " ".join(f"{one.path}: {one.message}" for one in find_faults(row, ExternalMerchant)) or str(error)
        told = _("Not valid: {fault}.", fault=fault.rstrip(".")[:180])
        return ExternalResult(named if isinstance(named, str) else "", None, "error", told)


async def register_external(
    tx: Tx, service: Service, actor: Actor, rows: list[ExternalMerchant]
) -> list[ExternalResult]:
    """Give external merchants their numbers, one result a row, in order; the same row again is told so."""
    scheme = await service.scheme()
    # Two batches of a DFSP take turns: with the same merchant at once they must not draw two numbers for it.
    quota = await open_quota(tx, service.settings, actor.own_dfsp())
    results: dict[int, ExternalResult] = {}
    known: dict[str, dict[str, str]] = {row.merchant_id: {} for row in rows}
    for found in await tx.fetch(_KNOWN, quota.dfsp_id, list(known)):
        known[found["external_merchant_id"]].setdefault(found["currency"], found["alias"])
    # Wanted aliases first and by name: batches of two DFSPs that want the same ones must not wait for each other.
    for index in sorted(range(len(rows)), key=lambda index: (rows[index].alias_value or _LAST, index)):
        row = rows[index]
        results[index] = await _register_one(tx, scheme, quota, row, known[row.merchant_id])
    await save_quota(tx, quota)
    return [results[index] for index in range(len(rows))]


async def _register_one(
    tx: Tx, scheme: SchemeFacts, quota: Quota, row: ExternalMerchant, known: dict[str, str]
) -> ExternalResult:
    """One row's result; `known` are the merchant's aliases by currency, and takes what is registered."""

    def failed(message: str) -> ExternalResult:
        return ExternalResult(row.merchant_id, row.alias_value, "error", message)

    if not money.is_currency(row.currency):
        return failed(_("{currency} is not a currency code of ISO 4217.", currency=row.currency))
    wanted = row.alias_value
    if wanted is not None and not aliases.is_identifier(wanted):
        return failed(_IDENTIFIER_RULE)
    dfsp_id = quota.dfsp_id
    present = known.get(row.currency)
    if present is not None:
        if wanted not in (None, present):
            told = _("This merchant has the alias {alias} in {currency} already.", alias=present, currency=row.currency)
            return failed(told)
        return ExternalResult(row.merchant_id, present, "exists")
    value = wanted or next(iter(known.values()), None)
    if value is None:
        if quota.is_spent():
            return failed(_QUOTA_SPENT)
        value = await aliases.draw(tx, scheme, dfsp_id, external_id=row.merchant_id)
        quota.used += 1
    else:
        claimed = await claim_chosen(tx, scheme, quota, scheme.alias_type, value, row.merchant_id, row.merchant_id)
        if claimed is Unclaimed.TAKEN:
            return failed(_("The alias {alias} is taken; choose another.", alias=value))
        if isinstance(claimed, Unclaimed):
            return failed(_QUOTA_SPENT if claimed is Unclaimed.QUOTA else aliases.LIKE_A_NUMBER)
    await aliases.open_routes(tx, scheme.alias_type, value, dfsp_id, [row.currency], external_id=row.merchant_id)
    known[row.currency] = value
    return ExternalResult(row.merchant_id, value, "registered")


def _checked_currency(currency: str | None) -> str:
    if currency is None:
        return ""
    if not money.is_currency(currency):
        raise Refused(400, "3100", "The currency is no code of ISO 4217.")
    return currency


async def _dfsp_of(tx: Tx, fsp_id: str) -> UUID:
    found = await tx.fetchval("SELECT id FROM dfsp WHERE fsp_id = $1 AND enabled", fsp_id)
    if found is None:
        raise Refused(*_UNKNOWN_DFSP)
    return found  # type: ignore[no-any-return]
