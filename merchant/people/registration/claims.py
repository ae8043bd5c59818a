"""Claims: somebody says that a merchant which is in the system already is theirs; its DFSP's staff decide.

Whether there is such a number is looked up by a job, after the answer was given, so that the answer tells nobody.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlmodel import select

from merchant.compliance.cases.effects import MERCHANT_PHONE
from merchant.compliance.cases.merchant_cases import answers_in_force
from merchant.core import audit, clock, errors, ids, outbox
from merchant.core.access import Actor, Role, scope_to
from merchant.core.db import Reads, Tx, forget
from merchant.core.paging import Page, page
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.notify import events
from merchant.notify.kinds import MessageKind
from merchant.people.registration import accounts, codes
from merchant.people.registration.addresses import Address, address_of
from merchant.people.registration.claim_states import ClaimState, in_state, may_be_decided
from merchant.people.registration.models import CLAIM_REASON, CLAIMANT_ADDRESS, CLAIMANT_NAME, MerchantClaim
from merchant.people.registration.problems import ClaimantBusy
from merchant.people.registration.register import add_account, may_begin
from merchant.people.users import checked_name
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.states import Capability, merchant_may

CLAIM_TOPIC = "people.claim"  # as vault.seal is told, too
CLAIMANT = "claimant"  # the label of the digest by which a claimant is found again
_KEPT = timedelta(days=365)  # of what was decided: as long as somebody may ask why
_BY_NUMBER = """
SELECT merchant_id FROM counter WHERE alias_type = $1 AND alias = $2 AND closed_at IS NULL
"""
_OPEN = """
INSERT INTO merchant_claim
  (id, dfsp_id, merchant_id, state, claimant_digest, name_sealed, address_sealed, created_at)
VALUES ($1, $2, $3, 'open', $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
_MAKE_OWNER = """
UPDATE app_user SET dfsp_id = $2, merchant_id = $3, roles = ARRAY[$4], version = version + 1 WHERE id = $1
"""


class Claim(Struct, frozen=True):
    """What somebody who proved their address says: which number is of their shop, and who they are."""

    address: str
    number: str
    name: str
    language: str


async def request_claim(service: Service, address: Address, code: str, claim: Claim, source: str) -> None:
    """Take a claim of whoever proves an address by a code; the same, whether there is such a number.

    Raises TooManyRequests, AddressLocked, CodeRefused, InvalidFields for a name.
    """
    codes.check_source(service, source)
    kept = msgspec.structs.replace(claim, name=checked_name(claim.name), number="".join(claim.number.split()))
    async with service.db.system() as tx:
        tried = await codes.take_code(tx, service, address, code)
        if tried.right:
            await outbox.add(tx, CLAIM_TOPIC, service.vault.seal(msgspec.json.encode(kept), CLAIM_TOPIC))
    codes.refuse_wrong(tried)


async def open_claim(tx: Tx, service: Service, sealed: bytes) -> None:
    """The job of a claim: where there is such a merchant, tell those who know it, and the DFSP's staff find the claim.

    Nothing for a claimant whose last claim is open, and for a merchant that was closed.
    """
    claim = msgspec.json.decode(service.vault.open(sealed, CLAIM_TOPIC), type=Claim)
    merchant_id = await tx.fetchval(_BY_NUMBER, (await service.scheme()).alias_type, claim.number)
    if merchant_id is None:
        return
    merchant: Merchant = await tx.one(select(Merchant).where(Merchant.id == merchant_id))
    if not merchant_may(merchant.state, Capability.LIVE):
        return
    address, claim_id = address_of(claim.address), ids.uuid7()
    name = tx.vault.seal(claim.name.encode(), CLAIMANT_NAME.format(id=claim_id))
    reached = tx.vault.seal(claim.address.encode(), CLAIMANT_ADDRESS.format(id=claim_id))
    digest = address.digest(tx.vault, CLAIMANT)
    place = (claim_id, merchant.dfsp_id, merchant.id)
    if not await tx.execute(_OPEN, *place, digest, name, reached, clock.now()):
        return
    await _warn(tx, service, merchant)
    data = {"merchant_id": merchant.id, "state": merchant.state}
    await events.announce(tx, "merchant.claimed", merchant.dfsp_id, None, data)


async def _warn(tx: Tx, service: Service, merchant: Merchant) -> None:
    """Tell whoever is known to reach the merchant, so that nobody takes it from them unheard."""
    if merchant.phone_sealed is not None:
        opened = tx.vault.open(merchant.phone_sealed, MERCHANT_PHONE.format(id=merchant.id))
        address = Address(phone=Msisdn.of(opened.decode()))
    else:
        address = Address(email=(await answers_in_force(tx, service.vault, merchant)).contact.email)
    if not address.text:
        return
    told = _("Somebody asks to manage {shop}. If it is not you, tell your bank.", shop=merchant.trading_name)
    await accounts.tell(
        tx,
        service,
        address,
        _("Is it you?"),
        told,
        merchant.dfsp_id,
        None,
        kind=MessageKind.SECURITY,
        merchant_id=merchant.id,
    )


async def claims(tx: Reads, actor: Actor, wanted: Page, standing: str | None) -> list[tuple[MerchantClaim, str]]:
    """Claims on merchants of the actor's DFSP with the merchants' names, newest first."""
    table: Any = MerchantClaim
    statement = scope_to(actor, select(table), table)
    statement = statement.where(in_state(table, standing)) if standing else statement
    return await _with_names(tx, await page(tx, statement, table.id, wanted))


async def read_claim(tx: Reads, actor: Actor, claim_id: UUID) -> tuple[MerchantClaim, str]:
    """One claim with its merchant's name. Raises NotFound."""
    table: Any = MerchantClaim
    row = await tx.one(scope_to(actor, select(table).where(table.id == claim_id), table))
    [found] = await _with_names(tx, [row])
    return found


async def _with_names(tx: Reads, rows: list[MerchantClaim]) -> list[tuple[MerchantClaim, str]]:
    """Claims with the names of their merchants."""
    of_merchant: Any = Merchant.id
    known = select(Merchant).where(of_merchant.in_([row.merchant_id for row in rows]))
    names = {one.id: one.trading_name for one in (await tx.session.exec(known)).all()}
    return [(row, names.get(row.merchant_id, "")) for row in rows]


async def accept_claim(service: Service, actor: Actor, claim_id: UUID, reason: str) -> tuple[MerchantClaim, str]:
    """Let the claimant manage the merchant: their account becomes its owner's, or one is made for them.

    The claimant may come from another DFSP, so the service itself works. Raises NotFound, WrongState once it is
    decided or the merchant is gone, ClaimantBusy for who has another account.
    """
    async with service.db.system() as tx:
        claim, merchant = await _lock(tx, actor, claim_id)
        if merchant.dfsp_id != claim.dfsp_id or not merchant_may(merchant.state, Capability.LIVE):
            raise errors.WrongState(_("This merchant is no longer yours to give."))
        address = _address(tx, claim)
        user_id = await _make_owner(tx, service, claim, merchant, address)
        await _decide(tx, actor, claim, ClaimState.ACCEPTED, reason, user_id=str(user_id))
        told = _(
            "You manage {shop} from now on. Sign in at {address}.",
            shop=merchant.trading_name,
            address=service.settings.base_url,
        )
        await accounts.tell(tx, service, address, _("Your shop"), told, claim.dfsp_id, None)
    return claim, merchant.trading_name


async def refuse_claim(service: Service, actor: Actor, claim_id: UUID, reason: str) -> tuple[MerchantClaim, str]:
    """Refuse a claim; the claimant may come with another. Raises NotFound, WrongState once it is decided."""
    async with service.db.system() as tx:
        claim, merchant = await _lock(tx, actor, claim_id)
        await _decide(tx, actor, claim, ClaimState.REFUSED, reason)
        told = _("You cannot manage {shop}. Ask your bank, which knows why.", shop=merchant.trading_name)
        await accounts.tell(tx, service, _address(tx, claim), _("Your shop"), told, claim.dfsp_id, None)
    return claim, merchant.trading_name


async def _lock(tx: Tx, actor: Actor, claim_id: UUID) -> tuple[MerchantClaim, Merchant]:
    table: Any = MerchantClaim
    mine = select(table).where(table.id == claim_id, table.dfsp_id == actor.own_dfsp())
    claim: MerchantClaim = await tx.one(mine.with_for_update())
    if not may_be_decided(claim.state):
        raise errors.WrongState(_("This claim was decided already."))
    return claim, await tx.one(select(Merchant).where(Merchant.id == claim.merchant_id))


async def _make_owner(tx: Tx, service: Service, claim: MerchantClaim, merchant: Merchant, address: Address) -> UUID:
    found, role = await accounts.find_account(tx, address), Role.MERCHANT_OWNER
    if found is None:
        name = tx.vault.open(claim.name_sealed, CLAIMANT_NAME.format(id=claim.id)).decode()
        made = await add_account(
            tx, address, name, claim.dfsp_id, role, merchant_id=merchant.id, language=service.settings.language
        )
        return made.id
    if not found.is_applicant or not await may_begin(tx, found.id):
        raise ClaimantBusy
    await tx.execute(_MAKE_OWNER, found.id, claim.dfsp_id, merchant.id, role.value)
    return found.id


async def _decide(tx: Tx, actor: Actor, claim: MerchantClaim, outcome: ClaimState, reason: str, **detail: str) -> None:
    claim.state, claim.decided_at, claim.decided_by = outcome, clock.now(), actor.id
    claim.reason_sealed = tx.vault.seal(reason.encode(), CLAIM_REASON.format(id=claim.id))
    action, about = f"merchant_claim.{outcome}", {"merchant_id": str(claim.merchant_id)} | detail
    await audit.record(tx, actor, action, "merchant_claim", claim.id, dfsp_id=claim.dfsp_id, reason=reason, **about)


def _address(tx: Tx, claim: MerchantClaim) -> Address:
    return address_of(tx.vault.open(claim.address_sealed, CLAIMANT_ADDRESS.format(id=claim.id)).decode())


async def prune(tx: Tx, limit: int) -> int:
    """Forget claims that were decided long ago; the number forgotten, at most `limit`."""
    return await forget(tx, "merchant_claim", "id", "decided_at", clock.now() - _KEPT, limit)
