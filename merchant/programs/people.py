"""What `merchant people` does: the same operations as over the API, by the service itself.

The service acts alone where people act by two; the audit record says `by: command line`.
"""

from typing import Any

import msgspec

from merchant.compliance.cases.rights.erase import ErasureReason, erase_person
from merchant.compliance.cases.rights.export import export_person, readings_of_person
from merchant.compliance.cases.rights.find import Sought
from merchant.compliance.cases.rights.schemas import erased_view, reading_view
from merchant.core.access import SERVICE
from merchant.core.service import Service
from merchant.scheme import queries as scheme_queries

_DETAIL = {"by": "command line"}


async def export(service: Service, fsp_id: str, sought: Sought, why: str) -> Any:
    """Everything that a DFSP holds about a person, as JSON values. Raises MerchantError."""
    async with service.db.system() as tx:
        dfsp_id = (await scheme_queries.dfsp_by_fsp_id(tx, fsp_id)).id
        actor = msgspec.structs.replace(SERVICE, dfsp_id=dfsp_id)
        return msgspec.to_builtins(await export_person(tx, service, actor, dfsp_id, sought, why, **_DETAIL))


async def readings(service: Service, fsp_id: str, sought: Sought) -> list[Any]:
    """Who looked at a person's data at a DFSP, newest first, as JSON values. Raises MerchantError."""
    async with service.db.system_reads() as tx:
        dfsp_id = (await scheme_queries.dfsp_by_fsp_id(tx, fsp_id)).id
        found = await readings_of_person(tx, service, dfsp_id, sought)
    return [msgspec.to_builtins(reading_view(one)) for one in found]


async def erase(service: Service, fsp_id: str, sought: Sought, why: ErasureReason) -> Any:
    """Erase a person at a DFSP, at once, as JSON values. Raises MerchantError."""
    async with service.db.system_reads() as tx:
        dfsp_id = (await scheme_queries.dfsp_by_fsp_id(tx, fsp_id)).id
    return msgspec.to_builtins(erased_view(await erase_person(service, SERVICE, dfsp_id, sought, why, **_DETAIL)))
