"""Printing one slice of a print run: some seconds of work, in a thread, into a file that grows from slice to slice.

Knows neither the database nor the event loop. The manifest beside the PDF (qr/posters/batch.py) lets the next slice go
on where this one stopped, in whichever process. A code that cannot be printed is skipped, with the reason.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

import qr
from merchant.core import files
from merchant.core.service import SchemeFacts
from merchant.registry.codes import payload as codes
from qr.posters import Design, Poster, Printed, poster_pdf, print_batch
from qr.symbols.errors import PictureError

SLICE_S = 5.0  # far below the lease of a job, and no longer than a worker may take to stop
MAX_SKIPPED = 100  # with more, the fault is not with single merchants


class TooManyFaults(PictureError):
    """More than MAX_SKIPPED codes cannot be printed, so the fault is not with single merchants."""


class _SliceOver(Exception):
    """The time of this slice is over; the next slice prints the rest."""


class Progress(Protocol):
    """What the thread keeps and others may read meanwhile: codes printed, and those skipped by number and problem."""

    done: int
    skipped: list[dict[str, Any]]


class Run(Struct, frozen=True):
    """A print run and its two files."""

    pdf: Path
    manifest: Path
    design: Design
    progress: Progress
    base_url: str = ""  # of the pages whose addresses are printed
    dfsp_mark: bytes = b""


def print_slice(run: Run, scheme: SchemeFacts, rows: Sequence[Mapping[str, Any]]) -> Printed | None:
    """Print until the run or the slice's time is over; None when there is more to print.

    Raises PictureError, OSError, and BlockingIOError while another process or thread prints this run.
    """
    began_s = time.monotonic()
    with files.open_growing(run.pdf) as pdf, files.open_growing(run.manifest) as manifest:
        done_before = sum(1 for _ in manifest) * run.design.per_page

        def progress(done: int) -> None:
            run.progress.done = done
            # Not before something new is printed, or a long run on a busy machine would never finish.
            if done > done_before and time.monotonic() - began_s > SLICE_S:
                raise _SliceOver

        posters = _posters(run, scheme, rows)
        while True:
            try:
                return print_batch(posters, pdf, manifest, run.design, progress=progress)
            except PictureError as error:
                posters = _without_faults(run, posters, error)
            except _SliceOver:
                return None


def _posters(run: Run, scheme: SchemeFacts, rows: Sequence[Mapping[str, Any]]) -> list[Poster]:
    """The posters of the counters, without those that an earlier slice has skipped."""
    left_out = {one["number"] for one in run.progress.skipped}
    posters = []
    for row in rows:
        if row["alias"] not in left_out:
            try:
                posters.append(_poster(scheme, row, run))
            except qr.QrError as fault:
                _skip(run, row["alias"], fault)
    return posters


def _poster(scheme: SchemeFacts, row: Mapping[str, Any], run: Run) -> Poster:
    return Poster(
        payload=codes.counter_payload(scheme, codes.CodeFacts.of(row), row["currencies"][0], row["sticker"]),
        name=row["trading_name"],
        number=row["alias"],
        counter=row["counter"],
        ussd=codes.dial_string(scheme.ussd_code, row["alias"]) or "",
        version=row["sticker"],
        dfsp=row["dfsp"],
        dfsp_mark=run.dfsp_mark,
        address=codes.short_address(run.base_url, row["alias"]) if run.base_url else "",
    )


def _without_faults(run: Run, posters: list[Poster], error: PictureError) -> list[Poster]:
    """The posters without those of the failed page that cannot be printed. Raises the error when it is not theirs."""
    page_end = run.progress.done + run.design.per_page
    good = []
    for poster in posters[run.progress.done : page_end]:
        try:
            poster_pdf([poster], run.design)
            good.append(poster)
        except PictureError as fault:
            _skip(run, poster.number, fault)
    left = [*posters[: run.progress.done], *good, *posters[page_end:]]
    if not 0 < len(left) < len(posters):
        raise error
    return left


def _skip(run: Run, number: str, fault: Exception) -> None:
    if len(run.progress.skipped) >= MAX_SKIPPED:
        raise TooManyFaults(f"more than {MAX_SKIPPED} codes cannot be printed, the last one being {number}: {fault}")
    run.progress.skipped.append({"number": number, "problem": str(fault)})
