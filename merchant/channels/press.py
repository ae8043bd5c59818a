"""The printing of posters.py's runs: a few seconds of a run at a time, in a thread, into a file that goes on growing.

Knows neither the database nor the event loop. The manifest beside the PDF (qr/posters/batch.py) lets the next slice go
on where this one stopped, in whichever process; a code that cannot be printed is left out and told.
"""

import fcntl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

import qr
from merchant.core.service import SchemeFacts
from merchant.registry.codes import payload as codes
from qr.posters import Design, Poster, Printed, poster_pdf, print_batch
from qr.symbols.errors import PictureError

SLICE_S = 5.0  # far below the lease of a job, and no longer than a worker may take to stop
MAX_SKIPPED = 100  # more, and the fault is not with single merchants
MANIFEST = ".jsonl"


class TooManyFaults(PictureError):
    """So many codes cannot be printed that something else must be wrong."""


class _SliceOver(Exception):
    """No error: the rest is the next slice's."""


class Run(Struct):
    """A print run; `file` is its PDF. The thread keeps `done`, `skipped` and `printed`, others may read them."""

    file: Path
    design: Design
    skipped: list[dict[str, str]]
    done: int = 0
    printed: Printed | None = None


def print_slice(run: Run, scheme: SchemeFacts, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print until the run or the slice's time is over.

    Raises PictureError, OSError, and BlockingIOError while another process prints this run.
    """
    began_s = time.monotonic()
    with _opened(run.file) as pdf, _opened(run.file.with_suffix(MANIFEST)) as manifest:
        fcntl.flock(pdf, fcntl.LOCK_EX | fcntl.LOCK_NB)
        done_before = sum(1 for _ in manifest) * run.design.per_page

        def progress(done: int) -> None:
            run.done = done
            # Not before something new is printed, or a long run on a busy machine would never end.
            if done > done_before and time.monotonic() - began_s > SLICE_S:
                raise _SliceOver

        posters = _posters(run, scheme, rows)
        while run.printed is None:
            try:
                run.printed = print_batch(posters, pdf, manifest, run.design, progress=progress)
            except PictureError as error:
                posters = _without_faults(run, posters, error)
            except _SliceOver:
                return


def _opened(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch()
    return path.open("r+b")


def _posters(run: Run, scheme: SchemeFacts, rows: Sequence[Mapping[str, Any]]) -> list[Poster]:
    """The posters of the counters, but for those that an earlier slice has skipped."""
    left_out = {one["number"] for one in run.skipped}
    posters = []
    for row in rows:
        if row["alias"] not in left_out:
            try:
                posters.append(_poster(scheme, row))
            except qr.QrError as fault:
                _skip(run, row["alias"], fault)
    return posters


def _poster(scheme: SchemeFacts, row: Mapping[str, Any]) -> Poster:
    return Poster(
        payload=codes.counter_payload(scheme, codes.Shop.of(row), row["currencies"][0], row["sticker"]),
        name=row["trading_name"],
        number=row["alias"],
        counter=row["counter"],
        ussd=codes.dial_string(scheme.ussd_code, row["alias"]) or "",
        dfsp=row["dfsp"],
    )


def _without_faults(run: Run, posters: list[Poster], error: PictureError) -> list[Poster]:
    """The posters without those of the failed page that cannot be printed. Raises the error when it is not theirs."""
    page_end = run.done + run.design.per_page
    good = []
    for poster in posters[run.done : page_end]:
        try:
            poster_pdf([poster], run.design)
            good.append(poster)
        except PictureError as fault:
            _skip(run, poster.number, fault)
    left = [*posters[: run.done], *good, *posters[page_end:]]
    if not 0 < len(left) < len(posters):
        raise error
    return left


def _skip(run: Run, number: str, fault: Exception) -> None:
    if len(run.skipped) >= MAX_SKIPPED:
        raise TooManyFaults(f"more than {MAX_SKIPPED} codes cannot be printed, the last one being {number}: {fault}")
    run.skipped.append({"number": number, "problem": str(fault)})
