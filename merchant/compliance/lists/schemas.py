"""Shapes of the JSON API of the screening lists."""

import base64
import binascii
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from merchant.compliance.lists import queries
from merchant.compliance.lists.queries import Version
from merchant.core import clock, errors
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.settings import Settings
from merchant.core.texts import _

# Base64 of a file, within a body of a megabyte: the UN's list packs to 300 kB. Larger files go by `merchant lists put`.
CONTENT_CHARS_MAX = 960_000
FormName = Literal["un", "ofac_xml", "ofac_csv", "eu", "uk_csv", "uk_xml", "opensanctions", "own", "blocklist"]
ListProblem = Literal["list_stale", "list_unreadable", "list_shrunk", "list_went_back", "list_ahead"]
DayText = Annotated[str, Meta(extra_json_schema={"format": "date"})]


class NewScreeningList(Struct, frozen=True, forbid_unknown_fields=True):
    """A list's file in base64, plain or packed by gzip."""

    form: FormName
    content: Annotated[str, Meta(min_length=1, max_length=CONTENT_CHARS_MAX)]

    def file(self) -> bytes:
        """The file. Raises InvalidFields."""
        try:
            return base64.b64decode(self.content, validate=True)
        except (binascii.Error, ValueError):
            raise errors.invalid_field("content", "invalid", _("Send the file in base64.")) from None


class ListCounts(Struct, frozen=True):
    """How many entries a version has, and how many differ from the version before."""

    entries: int
    added: int
    removed: int
    changed: int


class ScreeningListView(Struct, frozen=True):
    """A version of a list that counts, waits for a second person, or was refused.

    `id` is null for the list that comes with the program. `age_days` counts from the day of the list, `checked_at` is
    when it was last seen to be the publisher's current one. `problem` says why names are not checked against it.
    """

    id: UUID | None
    source: str
    form: FormName
    state: Literal["proposed", "in_force", "superseded", "refused"]
    published_on: DayText
    age_days: int
    checked_at: Instant | None
    sha256: str
    counts: ListCounts
    problem: ListProblem | None
    put_by: UUID | None
    confirmed_by: UUID | None


def list_view(settings: Settings, version: Version) -> ScreeningListView:
    """A version as staff see it."""
    problem = version.problem
    if problem is None and queries.is_stale(settings, version):
        problem = "list_stale"
    return ScreeningListView(
        id=version.id,
        source=version.source,
        form=version.form,  # type: ignore[arg-type]
        state=version.state,  # type: ignore[arg-type]
        published_on=version.published_on.isoformat(),
        age_days=_age_days(version.published_on),
        checked_at=web.at(version.checked_at),
        sha256=version.sha256,
        counts=ListCounts(version.entry_count, version.added_count, version.removed_count, version.changed_count),
        problem=problem,  # type: ignore[arg-type]
        put_by=version.put_by,
        confirmed_by=version.confirmed_by,
    )


def packaged_view(settings: Settings, facts: queries.Packaged) -> ScreeningListView:
    """The list that comes with the program, or that an operator put in its place, as long as it counts."""
    return ScreeningListView(
        id=None,
        source=facts.source,
        form="un",
        state="in_force",
        published_on=facts.published_on.isoformat(),
        age_days=_age_days(facts.published_on),
        checked_at=None,
        sha256=facts.sha256,
        counts=ListCounts(facts.entry_count, 0, 0, 0),
        problem="list_stale" if queries.packaged_is_stale(settings, facts.published_on) else None,
        put_by=None,
        confirmed_by=None,
    )


def _age_days(published_on: date) -> int:
    return (clock.now().date() - published_on).days
