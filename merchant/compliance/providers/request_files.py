"""Files of requests for registers: of each case under review what its policy lets a register vouch for, as CSV.

A row holds the facts that the answer will rest on, and nothing else of the case; that they left is told in the audit
record, and in the reading log of those whom they are about.
"""

import csv
import io
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

from merchant.compliance.cases import answers
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import ApplicationState, Capability, application_may
from merchant.compliance.providers.answer_files import ANSWER_COLUMNS, FACT_COLUMNS
from merchant.compliance.providers.look_up import asked_entry
from merchant.compliance.providers.wanted import Wanted, wanted_of
from merchant.core import audit
from merchant.core.service import Service

_BATCH = 100
_REVIEWED = [each for each in ApplicationState if application_may(each, Capability.DECIDE)]
_FORMULAS = frozenset("=+-@\t\r\n")
_COLUMNS = (*ANSWER_COLUMNS, *FACT_COLUMNS)


class Exported(Struct, frozen=True):
    """A file of requests: its text, of how many requests and cases."""

    text: str
    requests: int
    cases: int


async def export_requests(service: Service, attributes: Collection[str] = ()) -> Exported:
    """Every open request of the cases under review, only those of some attributes unless none is named."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="")
    writer.writeheader()
    after, requests, cases, more = UUID(int=0), 0, 0, True
    while more:
        async with service.db.system() as tx:
            table: Any = Application
            page = select(table).where(table.id > after, table.state.in_(_REVIEWED)).order_by(table.id).limit(_BATCH)
            rows = (await tx.session.exec(page)).all()
            for application in rows:
                after = application.id
                sections = answers.unseal(service.vault, application.id, application.sections_sealed)
                wanted = await wanted_of(tx, service, application, sections)
                wanted = [one for one in wanted if not attributes or one.request.attribute in attributes]
                fsp_id = await tx.fetchval("SELECT fsp_id FROM dfsp WHERE id = $1", application.dfsp_id)
                writer.writerows(_lines(application, fsp_id, wanted))
                entries = [asked_entry(application, one) for one in wanted]
                await audit.record_many(tx, entries, dfsp_id=application.dfsp_id)
                requests, cases = requests + len(wanted), cases + bool(wanted)
            more = len(rows) == _BATCH
    return Exported(out.getvalue(), requests, cases)


def _lines(application: Application, fsp_id: str, wanted: Iterable[Wanted]) -> Iterable[dict[str, str]]:
    for one in wanted:
        line = {
            "request_id": one.request.id,
            "dfsp": fsp_id,
            "external_ref": application.external_ref or "",
            "attribute": one.request.attribute,
            "subject": one.subject,
        }
        yield {name: _neutral(text) for name, text in (line | one.request.facts).items()}


def _neutral(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection); a telephone number stays what it is."""
    first = unicodedata.normalize("NFKC", text.strip()[:1])[:1]
    is_phone = text.startswith("+") and text[1:].isascii() and text[1:].isdigit()
    return f"'{text}" if first in _FORMULAS and first and not is_phone else text
