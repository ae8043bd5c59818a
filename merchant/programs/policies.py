"""What `merchant policies` does: the same operations as over the API, by the service itself.

The service acts alone where people act by two; the audit record says `by: command line`.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

import kyb
from merchant.compliance.policies import in_force, operations, queries
from merchant.compliance.policies.in_force import Published
from merchant.compliance.policies.models import PolicyLayer
from merchant.compliance.policies.operations import NewLayer
from merchant.compliance.policies.soundness import as_published
from merchant.compliance.shadow.run import ShadowReport, shadow_run
from merchant.core.access import SERVICE
from merchant.core.db import Reads
from merchant.core.money import Money, format_decimal
from merchant.core.service import Service
from merchant.scheme import queries as scheme_queries

_DETAIL = {"by": "command line"}


async def propose(
    service: Service, text: str, layer: str, fsp_id: str | None, effective_on: date | None, note: str
) -> str:
    """Propose a layer for a person to publish; a line about it. Raises MerchantError."""
    async with service.db.system() as tx:
        new = NewLayer(layer, text, await _dfsp_id(tx, fsp_id), effective_on, note)
        return described(await operations.propose_layer(tx, service, SERVICE, new, **_DETAIL))


async def publish_text(
    service: Service, text: str, layer: str, fsp_id: str | None, effective_on: date | None, note: str
) -> str:
    """Propose a layer, unless its text waits already, and publish it at once; a line about it. Raises MerchantError."""
    async with service.db.system() as tx:
        dfsp_id = await _dfsp_id(tx, fsp_id)
        found = await queries.waiting_layer(tx, hashlib.sha256(text.encode()).hexdigest(), layer, dfsp_id)
        if found is None or effective_on not in (None, found.effective_on):
            new = NewLayer(layer, text, dfsp_id, effective_on, note)
            found = await operations.propose_layer(tx, service, SERVICE, new, **_DETAIL)
        return described(await operations.publish_layer(tx, service, SERVICE, found.id, **_DETAIL))


async def publish_id(service: Service, layer_id: UUID) -> str:
    """Publish a layer that waits; a line about it. Raises MerchantError."""
    async with service.db.system() as tx:
        return described(await operations.publish_layer(tx, service, SERVICE, layer_id, **_DETAIL))


async def withdraw(service: Service, layer_id: UUID) -> str:
    """Take a layer back; a line about it. Raises MerchantError."""
    async with service.db.system() as tx:
        return described(await operations.withdraw_layer(tx, service, SERVICE, layer_id, **_DETAIL))


async def show(service: Service, fsp_id: str | None) -> list[str]:
    """What is in force, what is published for later and what waits, a line each."""
    async with service.db.system_reads() as tx:
        dfsp_id = await _dfsp_id(tx, fsp_id)
        known = await in_force.read_policies(tx)
        waiting = await queries.waiting_layers(tx, dfsp_id)
    day, currencies = await in_force.today(service), (await service.scheme()).currencies
    policy = known.in_force(dfsp_id, day)
    lines = [f"in force today, {day}: {policy.policy_version} ({policy.text.status})"]
    lines += [f"  {_layer_line(one)}" for one in known.texts(dfsp_id, day)]
    lines += summary(policy, currencies)
    for each, coming in known.coming(dfsp_id, day):
        lines.append(f"from {each} on: {coming.policy_version}")
        lines += [f"  {_layer_line(one)}" for one in known.texts(dfsp_id, each)]
        lines += summary(coming, currencies)
    return [*lines, *(f"waiting: {described(one)}" for one in waiting)]


async def export(service: Service, layer: str, fsp_id: str | None) -> str:
    """The text in force as a layer, byte for byte; the packaged policy's where no layer is published."""
    async with service.db.system_reads() as tx:
        dfsp_id = await _dfsp_id(tx, fsp_id)
        known = await in_force.read_policies(tx)
    texts = known.texts(dfsp_id, await in_force.today(service))
    return next((one.text for one in texts if one.layer == layer), "" if texts else kyb.preset(in_force.PACKAGED))


async def shadow(
    service: Service, text: str, layer: str, fsp_id: str | None, progress: Callable[[int, int], None]
) -> ShadowReport:
    """What a text would change for the merchants there are, as a layer from today on. Raises MerchantError."""
    async with service.db.system_reads() as tx:
        dfsp_id = await _dfsp_id(tx, fsp_id)
    digest = hashlib.sha256(text.encode()).hexdigest()
    draft = Published(
        layer=layer, dfsp_id=dfsp_id, effective_on=await in_force.today(service), text=text, sha256=digest
    )
    return await shadow_run(service, draft, progress=progress)


async def shadow_id(service: Service, layer_id: UUID, progress: Callable[[int, int], None]) -> ShadowReport:
    """What a layer that is proposed or published would change. Raises MerchantError."""
    async with service.db.system_reads() as tx:
        found = as_published(await queries.layer(tx, SERVICE, layer_id))
    return await shadow_run(service, found, progress=progress)


def described(row: PolicyLayer) -> str:
    """A layer in a line."""
    return f"{row.state} {row.id}  {_layer_line(as_published(row))}"


def summary(policy: kyb.Policy, currencies: tuple[str, ...]) -> Iterator[str]:
    """Each tier with its limits in those of the currencies that have any."""
    for tier in policy.tiers:
        yield f"  {tier.name}  {tier.title}  ({', '.join(tier.kinds)})"
        for currency in currencies:
            if policy.has_limits(currency):
                one = policy.limits(tier.name, currency)
                balance = "none" if one.balance_minor is None else _amount(one.balance_minor, currency)
                yield (
                    f"      {currency}: payment {_amount(one.per_payment_minor, currency)},"
                    f" day {_amount(one.per_day_minor, currency)}, month {_amount(one.per_month_minor, currency)},"
                    f" {one.payments_per_day} payments a day, balance {balance}"
                )


def _amount(minor: int, currency: str) -> str:
    return format_decimal(Money(minor, currency))


def _layer_line(one: Published) -> str:
    return f"{one.layer}  {one.name}@{one.version}+{one.sha256[:12]}  from {one.effective_on}"


async def _dfsp_id(tx: Reads, fsp_id: str | None) -> UUID | None:
    return None if fsp_id is None else (await scheme_queries.dfsp_by_fsp_id(tx, fsp_id)).id
