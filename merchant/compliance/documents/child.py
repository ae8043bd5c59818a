"""The program that looks at one file, in a process of its own: what a hostile file breaks or fills is that process.

Standard input is one letter (whether the place is wanted) and the file; standard output is a line of JSON, a verdict
or a refusal, and what is kept of the file. It has no settings, no keys, and limits on memory and time.
"""

import contextlib
import resource
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from merchant.compliance.documents.faults import Fault, Refused
from merchant.compliance.documents.kinds import Place

# A picture of 40 million pixels, decoded and turned, needs 330 MB.
MEMORY_BYTES = 1 << 30
PROCESSOR_S = 20
WITH_PLACE = b"1"


class Verdict(Struct, frozen=True):
    """What the parent is told: a fault, or what the file is."""

    fault: Fault | None = None
    found: str = ""
    media_type: str = ""
    pages: int | None = None
    place: Place | None = None


def main() -> None:
    """Look at the file on standard input."""
    _limit()
    from merchant.compliance.documents import content  # its libraries too live within the limits

    given = sys.stdin.buffer.read()
    kept = b""
    try:
        checked = content.inspect(given[1:], keep_place=given[:1] == WITH_PLACE)
        verdict = Verdict(media_type=checked.media_type, pages=checked.pages, place=checked.place)
        kept = checked.content
    except Refused as refused:
        verdict = Verdict(refused.fault, refused.found[:100])
    except (MemoryError, RecursionError):
        verdict = Verdict(Fault.TOO_COMPLEX)
    sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n" + kept)
    sys.stdout.buffer.flush()


def _limit() -> None:
    with contextlib.suppress(OSError):  # if memory runs out, this one goes first; Linux only
        Path("/proc/self/oom_score_adj").write_text("1000")
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, PROCESSOR_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a limit of the system's is lower already
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
