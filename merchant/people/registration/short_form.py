"""The answers of a sign-up by telephone as the sections of an application, with what nobody needs to be asked."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

import kyb
from kyb import Sections
from merchant.compliance.cases import answers
from merchant.compliance.cases.policy import local_now
from merchant.compliance.policies.in_force import policy_of
from merchant.core import texts
from merchant.core.service import Service
from merchant.core.texts import _

__all__ = ["Sections", "ShortForm", "asks_code", "faults", "sections"]
_KIND = "individual"  # who signs up alone; staff correct what is more
_ID_TYPE = "national_id"


class ShortForm(Struct, frozen=True):
    """What is asked by telephone; empty what was not answered yet."""

    name: str
    business: str
    mcc: str
    town: str
    id_number: str
    born: str
    phone: str


async def sections(service: Service, form: ShortForm) -> Sections:
    """The answers, tidied. Raises InvalidFields."""
    return answers.tidy(await _written(service, form), (await service.scheme()).alias_length)


async def faults(service: Service, form: ShortForm) -> list[tuple[str, str]]:
    """The path and the code of each answer that an application would not take."""
    drawn_digits = (await service.scheme()).alias_length
    written = kyb.normalise(await _written(service, form))
    return [(one.path, one.code) for one in kyb.field_problems(written, await local_now(service), (), drawn_digits)]


async def asks_code(service: Service, form: ShortForm, dfsp_id: UUID) -> bool:
    """Whether the DFSP's policy wants the phone verified, and takes a one-time code for that."""
    policy = await policy_of(service, dfsp_id)
    needs = kyb.requirements(
        kyb.Case(await _written(service, form), channel="remote"), policy, None, await local_now(service)
    )
    asked = {one.key for one in (*needs.currently_due, *needs.pending_verification)}
    return any(
        key in asked and check.type == "phone_code" and "one_time_code" in check.by
        for key, check in policy.text.checks.items()
    )


async def _written(service: Service, form: ShortForm) -> Sections:
    scheme = await service.scheme()
    counter = kyb.Counter(name=texts.translate(_("Counter"), service.settings.language) + " 1")
    business = kyb.Business(
        trading_name=form.business or None,
        kind=_KIND,
        mcc=form.mcc or None,
        currencies=(_own_money(scheme.country, scheme.currencies),),
    )
    owner = kyb.Owner(
        given_name=form.name or None,
        birth_date=form.born or None,
        id_type=_ID_TYPE if form.id_number else None,
        id_number=form.id_number or None,
    )
    place = kyb.Location(kind="physical", country=scheme.country, city=form.town or None, counters=(counter,))
    contact = kyb.Contact(name=form.name or None, phone=form.phone or None)
    return Sections(business=business, owners=(owner,), contact=contact, locations=(place,))


def _own_money(country: str, currencies: Sequence[str]) -> str:
    """The money of the scheme's country, where the scheme has it; else the scheme's first."""
    from babel.numbers import get_territory_currencies  # 20 ms, which other dialogues never need

    return next((one for one in get_territory_currencies(country) if one in currencies), currencies[0])
