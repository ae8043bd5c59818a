"""Remember hits that people released, so that the same person is not asked about again.

A memory is of one subject, with the facts that were compared, and of one entry of a list, with its content. It counts
no more when either changes, and for a year at most.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

import kyb
from merchant.compliance.cases.models import Application
from merchant.core import clock
from merchant.core.db import Reads, Tx
from merchant.core.vault import Vault

REMEMBERED_FOR = timedelta(days=365)
_REMEMBER = """
INSERT INTO released_hit (dfsp_id, subject, list_source, entry_id, entry_sha256, application_id, hit_id, released_at,
                          expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (dfsp_id, subject, list_source, entry_id) DO UPDATE
SET entry_sha256 = excluded.entry_sha256, application_id = excluded.application_id, hit_id = excluded.hit_id,
    released_at = excluded.released_at, expires_at = excluded.expires_at
"""
_KNOWN = """
SELECT subject, list_source, entry_id, entry_sha256 FROM released_hit
WHERE dfsp_id = $1 AND subject = ANY($2) AND expires_at > $3
"""
_FORGET = "DELETE FROM released_hit WHERE dfsp_id = $1 AND subject = $2 AND list_source = $3 AND entry_id = $4"


def subject_digests(vault: Vault, sections: kyb.Sections) -> dict[str, bytes]:
    """path → a keyed hash of everything that screening compares of the one named there."""
    return {
        subject.path: vault.digest(
            "screened", msgspec.json.encode(msgspec.structs.replace(subject, path=""), order="sorted").decode()
        )
        for subject in kyb.subjects_of(sections)
    }


async def remember(tx: Tx, application: Application, sections: kyb.Sections, found: Mapping[str, Any]) -> None:
    """Remember that a hit of a stored report is none."""
    subject = subject_digests(tx.vault, sections).get(found["path"])
    hit = found["hit"]
    if subject is None or not hit.get("entry_sha256"):
        return
    now = clock.now()
    await tx.execute(
        _REMEMBER,
        application.dfsp_id,
        subject,
        hit["list_source"],
        hit["entry_id"],
        hit["entry_sha256"],
        application.id,
        found["id"],
        now,
        now + REMEMBERED_FOR,
    )


async def forget(tx: Tx, application: Application, sections: kyb.Sections, found: Mapping[str, Any]) -> None:
    """Forget a release that somebody overruled."""
    subject = subject_digests(tx.vault, sections).get(found["path"])
    if subject is not None:
        hit = found["hit"]
        await tx.execute(_FORGET, application.dfsp_id, subject, hit["list_source"], hit["entry_id"])


async def released(
    tx: Reads, vault: Vault, dfsp_id: UUID, sections: kyb.Sections, hits: Iterable[kyb.SubjectHit]
) -> set[tuple[str, str, str]]:
    """(path, list, entry) of the hits that were released before, and neither side of which changed since."""
    hits = list(hits)
    if not hits:
        return set()
    digests = subject_digests(vault, sections)
    wanted = list({digests[one.path] for one in hits if one.path in digests})
    rows = await tx.fetch(_KNOWN, dfsp_id, wanted, clock.now())
    known = {(row["subject"], row["list_source"], row["entry_id"]): row["entry_sha256"] for row in rows}
    return {
        (one.path, one.hit.list_source, one.hit.entry_id)
        for one in hits
        if known.get((digests.get(one.path), one.hit.list_source, one.hit.entry_id)) == one.hit.entry_sha256
    }
