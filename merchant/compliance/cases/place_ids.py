"""Places and counters that a case names by their ids: each is one of its merchant's, and stands once."""

from collections.abc import Iterator
from uuid import UUID

import kyb
from merchant.compliance.cases.models import Application
from merchant.core import errors
from merchant.core.db import Reads
from merchant.core.http.shape import MAX_FAULTS
from merchant.core.service import Service
from merchant.core.texts import _

_KNOWN = """
SELECT 'place' AS what, id::text FROM location WHERE merchant_id = $1
UNION ALL SELECT 'counter', id::text FROM counter WHERE merchant_id = $1
"""
_Named = tuple[str, str]  # what, and its id


async def check_place_ids(tx: Reads, service: Service, case: Application, sections: kyb.Sections) -> None:
    """Raise InvalidFields naming each id that the merchant does not have, or that stands a second time.

    Else an approval would fail, or write one place over another. An application has no merchant yet, and its ids mean
    nothing.
    """
    if case.merchant_id is not None:
        known = await _known(tx, case.merchant_id)
    elif case.moves_merchant_id is not None:
        # Another DFSP serves it until the move, and its rows are hidden from the one that is offered it.
        async with service.db.system_reads() as reads:
            known = await _known(reads, case.moves_merchant_id)
    else:
        return
    faults = list(_faults(sections, known))
    if faults:
        raise errors.InvalidFields(errors=tuple(faults[:MAX_FAULTS]))


async def _known(tx: Reads, merchant_id: UUID) -> set[_Named]:
    return {(row["what"], row["id"]) for row in await tx.fetch(_KNOWN, merchant_id)}


def _faults(sections: kyb.Sections, known: set[_Named]) -> Iterator[errors.FieldError]:
    seen: set[_Named] = set()
    for path, given in _ids(sections):
        if given not in known:
            yield errors.FieldError(path, "unknown", _("The merchant has no such place or counter."))
        elif given in seen:
            yield errors.FieldError(path, "duplicate", _("Each place and each counter may stand only once."))
        seen.add(given)


def _ids(sections: kyb.Sections) -> Iterator[tuple[str, _Named]]:
    """(path, what it is and its id) of every place and counter that names one."""
    for index, place in enumerate(sections.locations):
        if place.id is not None:
            yield f"locations[{index}].id", ("place", place.id)
        for nth, counter in enumerate(place.counters):
            if counter.id is not None:
                yield f"locations[{index}].counters[{nth}].id", ("counter", counter.id)
