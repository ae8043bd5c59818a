"""Files of answers that a register gives, as CSV: each row is recorded by itself, and its outcome told.

The columns may stand in any order, and the facts of the request may still stand beside them, as `merchant evidence
export` wrote them. What cannot be read as a whole is a BadAnswerFile, and nothing of it is taken.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

import kyb
from merchant.compliance.cases.case_schemas import Code, Subject
from merchant.compliance.providers.port import Verdict
from merchant.compliance.providers.verdicts import Answered, take_verdict
from merchant.compliance.providers.wanted import LOOKED_UP, read_id
from merchant.core.http.shape import find_faults
from merchant.core.service import Service

MAX_BYTES = 16 << 20
MAX_ROWS = 50_000
_MAX_SHOWN = 500  # of a sentence about a row
# What a register fills in, beside what finds the request; and the facts, which are read by nobody here.
ANSWER_COLUMNS: tuple[str, ...] = (
    "request_id",
    "dfsp",
    "external_ref",
    "attribute",
    "subject",
    "outcome",
    "code",
    "expires_on",
    "reference",
)
FACT_COLUMNS = tuple(
    dict.fromkeys(name for one in kyb.ATTRIBUTES.values() for name in one.fields if not name.endswith("_index"))
)
REPORT_COLUMNS = ("line", "request_id", "attribute", "subject", "result", "message")
_FIND = "SELECT a.id FROM application a JOIN dfsp d ON d.id = a.dfsp_id WHERE d.fsp_id = $1 AND a.external_ref = $2"
_TOLD = {
    "recorded": "",
    "unchanged": "The same answer was taken before.",
    "unavailable": "Nothing is recorded; it stands in the next export.",
    "unknown_case": "There is no such case.",
    "not_open": "The case is decided or withdrawn.",
    "unknown_subject": "The case has no such subject.",
    "facts_changed": "The facts changed since they were exported; answer the next export.",
    "expired": "What expires_on says has come already, so it would verify nothing. Nothing is recorded.",
    "contradicts": "Another line answers this request differently. Neither is recorded; send the right one alone.",
    "malformed": "",
}
DONE = frozenset({"recorded", "unchanged", "unavailable"})


class BadAnswerFile(ValueError):
    """A file that cannot be read as answers at all; the message says why."""


class AnswerRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One row: which request (by its id, or by the DFSP and its own reference), about what, and the answer."""

    attribute: Code
    outcome: Literal["verified", "rejected", "inconclusive", "unavailable"]
    request_id: str | None = None
    dfsp: str | None = None
    external_ref: str | None = None
    subject: Subject | None = None
    code: Code | None = None
    expires_on: date | None = None
    reference: Annotated[str, Meta(max_length=64)] | None = None


class RowOutcome(Struct, frozen=True):
    """What became of a row. Only what is known to be no personal data is repeated from it."""

    line: int
    result: str
    message: str
    request_id: str = ""
    attribute: str = ""
    subject: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nobody has to look at it."""
        return self.result in DONE


async def import_answers(service: Service, data: bytes, name: str) -> list[RowOutcome]:
    """Take the answers in a file; `name` is kept with each as its source. Raises BadAnswerFile."""
    rows = [(line, _read_row(values)) for line, values in read_rows(data)]
    contradicted = _contradicted(rows)
    found = []
    for line, row in rows:
        if isinstance(row, str):
            found.append(RowOutcome(line, "malformed", row))
        else:
            found.append(await _take_row(service, line, row, name, is_contradicted=line in contradicted))
    return found


def _read_row(values: dict[str, str]) -> AnswerRow | str:
    """A row, or what is wrong with its cells."""
    try:
        return msgspec.convert(values, AnswerRow, strict=False)
    except msgspec.ValidationError:
        faults = " ".join(f"{one.path}: {one.message}" for one in find_faults(values, AnswerRow))
        return (faults or "The row has another form.")[:_MAX_SHOWN]


def _contradicted(rows: Sequence[tuple[int, AnswerRow | str]]) -> frozenset[int]:
    """The lines that answer a request which another line answers differently: nobody knows which of them is meant."""
    answered: defaultdict[tuple[str | None, ...], dict[int, tuple[object, ...]]] = defaultdict(dict)
    for line, row in rows:
        if isinstance(row, str) or row.outcome == "unavailable":
            continue
        named = (row.request_id,) if row.request_id else (row.dfsp, row.external_ref, row.subject)
        answered[(row.attribute, *named)][line] = (row.outcome, row.code, row.expires_on)
    return frozenset(line for lines in answered.values() if len(set(lines.values())) > 1 for line in lines)


def read_rows(data: bytes) -> list[tuple[int, dict[str, str]]]:
    """The rows of a file with the numbers of their lines, blank cells left out. Raises BadAnswerFile."""
    if len(data) > MAX_BYTES:
        raise BadAnswerFile(f"The file is larger than {MAX_BYTES >> 20} MiB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadAnswerFile("The file is not written in UTF-8.") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = list(_rows(reader))
    except csv.Error as error:
        raise BadAnswerFile(f"Line {reader.line_num} is no CSV: {error}.") from None
    return rows


def _rows(reader: Any) -> Iterator[tuple[int, dict[str, str]]]:
    header = [name.strip().lower() for name in next(reader, [])]
    _check_header(header)
    for number, cells in enumerate((row for row in reader if any(cell.strip() for cell in row)), 1):
        if number > MAX_ROWS:
            raise BadAnswerFile(f"The file has more than {MAX_ROWS} rows.")
        if len(cells) != len(header):
            raise BadAnswerFile(f"Line {reader.line_num} has {len(cells)} cells; the header has {len(header)}.")
        given = zip(header, cells, strict=True)
        yield reader.line_num, {name: text for name, cell in given if (text := cell.strip()) and name in ANSWER_COLUMNS}


def _check_header(header: Sequence[str]) -> None:
    if unknown := [name for name in header if name not in ANSWER_COLUMNS and name not in FACT_COLUMNS]:
        raise BadAnswerFile(f"There is no column {unknown[0][:64]!r}; there are {', '.join(ANSWER_COLUMNS)}.")
    if twice := [name for name in header if header.count(name) > 1]:
        raise BadAnswerFile(f"The column {twice[0]!r} stands there twice.")
    for needed in ("attribute", "outcome"):
        if needed not in header:
            raise BadAnswerFile(f"The column {needed!r} is missing.")
    if "request_id" not in header and not {"dfsp", "external_ref", "subject"} <= set(header):
        raise BadAnswerFile("A column request_id is missing, or dfsp, external_ref and subject.")


async def _take_row(service: Service, line: int, row: AnswerRow, source: str, *, is_contradicted: bool) -> RowOutcome:
    request = read_id(row.request_id) if row.request_id else None
    told = {
        "request_id": str(request) if request else "",
        "attribute": row.attribute if row.attribute in kyb.ATTRIBUTES else "",
    }
    if problem := _problem_of(row, is_id=request is not None):
        return RowOutcome(line, "malformed", problem, **told)
    if is_contradicted:
        return RowOutcome(line, "contradicts", _TOLD["contradicts"], **told)
    if row.outcome == "unavailable":
        return RowOutcome(line, "unavailable", _TOLD["unavailable"], **told)
    application_id = request.application_id if request else await _find(service, row)
    if application_id is None:
        return RowOutcome(line, "unknown_case", _TOLD["unknown_case"], **told)
    verdict = Verdict(row.outcome, row.code or "", row.reference, row.expires_on)
    key, subject = (request.facts_key, None) if request else (None, row.subject)
    async with service.db.system() as tx:
        taken = await take_verdict(
            tx, service, Answered(application_id, row.attribute, verdict, key, subject), source=source
        )
    told["subject"] = row.subject if taken in DONE and row.subject else ""
    return RowOutcome(line, taken, _TOLD[taken], **told)


def _problem_of(row: AnswerRow, *, is_id: bool) -> str | None:
    """What is wrong with a row besides the form of its cells."""
    if row.attribute not in LOOKED_UP:
        return f"attribute must be one of: {', '.join(sorted(LOOKED_UP))}."
    if row.request_id is not None:
        return None if is_id else "request_id is none of ours."
    if not (row.dfsp and row.external_ref and row.subject):
        return "Give request_id, or dfsp, external_ref and subject."
    return None


async def _find(service: Service, row: AnswerRow) -> UUID | None:
    async with service.db.system_reads() as tx:
        found: UUID | None = await tx.fetchval(_FIND, row.dfsp, row.external_ref)
    return found


def report_text(outcomes: Sequence[RowOutcome]) -> str:
    """What became of each row, as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(REPORT_COLUMNS)
    writer.writerows([getattr(one, name) for name in REPORT_COLUMNS] for one in outcomes)
    return out.getvalue()
