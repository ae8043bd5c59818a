"""What the things are called that an audit record is about: one statement a type for a whole page, never one a row.

The transaction shows names of the caller's own DFSP only. A name is today's; erased ones are none, and what an
applicant has begun and not handed in has none either, nor have they.
"""

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit
from uuid import UUID

from merchant.core.audit import AuditEntry
from merchant.core.db import Tx
from merchant.people.unseen import BEGINNER, BEGUN_CASE

Named = Mapping[tuple[str, str], str]  # by type and id of a subject

_CASE = f"SELECT id, trading_name AS name FROM application WHERE id = ANY($1) AND NOT {BEGUN_CASE}"  # noqa: S608
_STATEMENTS = {
    "merchant": "SELECT id, trading_name AS name FROM merchant WHERE id = ANY($1)",
    "application": _CASE,
    "case": _CASE,
    "counter": "SELECT id, name FROM counter WHERE id = ANY($1)",
    "user": f"SELECT id, name FROM app_user WHERE id = ANY($1) AND NOT {BEGINNER}",  # noqa: S608
    "api_key": "SELECT id, name FROM api_key WHERE id = ANY($1)",
    "dfsp": "SELECT id, name FROM dfsp WHERE id = ANY($1)",
    "document": "SELECT id, purpose AS name FROM document WHERE id = ANY($1)",
    "import": "SELECT id, file_name AS name FROM import_job WHERE id = ANY($1)",
    "webhook_endpoint": "SELECT id, url AS name FROM webhook_endpoint WHERE id = ANY($1)",
}
_SCHEME = "SELECT name FROM scheme WHERE id = 1"
# What the record itself says of a thing whose table no tenant reads.
_IN_DETAIL = {"policy_layer": "version", "list": "source", "hub_key": "fsp_id", "job": "topic"}


async def subject_names(tx: Tx, entries: Sequence[AuditEntry]) -> Named:
    """The names of what some entries are about, as far as the transaction sees them."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    found: dict[tuple[str, str], str] = {}
    for entry in entries:
        kind, subject_id = entry.subject_type, entry.subject_id
        if kind in _STATEMENTS:
            with contextlib.suppress(ValueError):
                wanted[kind].add(UUID(subject_id))
        elif kind in _IN_DETAIL and isinstance(told := entry.detail.get(_IN_DETAIL[kind]), str):
            found[kind, subject_id] = told
        elif kind == "topic" or entry.action == "list.exported":
            found[kind, subject_id] = subject_id
    for kind, ids in wanted.items():
        for row in await tx.fetch(_STATEMENTS[kind], list(ids)):
            if name := _shown(kind, row["name"]):
                found[kind, str(row["id"])] = name
    if any(entry.subject_type == "scheme" for entry in entries) and (name := await tx.fetchval(_SCHEME)):
        found.update({("scheme", entry.subject_id): name for entry in entries if entry.subject_type == "scheme"})
    return found


def _shown(kind: str, name: str) -> str | None:
    """The name, of a webhook's address the host alone: the rest may hold a secret."""
    return urlsplit(name).hostname if kind == "webhook_endpoint" else name
