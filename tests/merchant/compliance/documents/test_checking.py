"""A file is looked at in a process apart: with limits, without secrets, and what breaks there breaks nothing here."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from merchant.compliance.documents import checking, child
from merchant.compliance.documents.faults import Fault, Refused
from merchant.compliance.documents.kinds import Place
from tests.merchant.compliance.documents import samples

pytestmark = pytest.mark.anyio


async def test_it_answers_what_looking_at_it_here_would() -> None:
    taken = await checking.check_apart(samples.picture(), keep_place=True)
    assert (taken.media_type, taken.place) == ("image/jpeg", Place(samples.LATITUDE, samples.LONGITUDE))
    assert samples.MAKER not in taken.content
    with pytest.raises(Refused) as refused:
        await checking.check_apart(samples.moving("GIF"), keep_place=False)
    assert refused.value.fault is Fault.UNKNOWN_TYPE
    assert refused.value.found


def program(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Have another program look at files."""
    monkeypatch.setattr(checking, "_CHILD", (sys.executable, "-c", text))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("import os; os.kill(os.getpid(), 9)", Fault.TOO_COMPLEX),
        ("from merchant.compliance.documents import child; child._limit(); bytes(2 << 30)", Fault.TOO_COMPLEX),
        ("raise ValueError('words of the file')", Fault.BROKEN_FILE),
    ],
    ids=["killed", "out of memory", "broken"],
)
async def test_a_file_that_breaks_it_is_refused_and_none_of_its_words_logged(
    monkeypatch: pytest.MonkeyPatch, text: str, fault: Fault
) -> None:
    program(monkeypatch, text)
    with capture_logs() as logged, pytest.raises(Refused) as refused:
        await checking.check_apart(b"hello", keep_place=False)
    assert refused.value.fault is fault
    assert [line["event"] for line in logged] == ["document_check_failed"]
    assert "words" not in str(logged)


async def test_one_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    program(
        monkeypatch,
        f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(99)",
    )
    monkeypatch.setattr(checking, "_LONGEST_S", 1.0)
    with pytest.raises(Refused) as refused:
        await checking.check_apart(b"hello", keep_place=False)
    assert refused.value.fault is Fault.TOO_COMPLEX
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


async def test_a_caller_that_gives_up_takes_it_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    program(
        monkeypatch,
        f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(99)",
    )
    task = asyncio.create_task(checking.check_apart(b"hello", keep_place=False))
    async with asyncio.timeout(10):
        while not (mark.exists() and mark.read_text()):
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


async def test_it_knows_no_secret_and_writes_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MERCHANT_SECRET_KEY", "kanari")
    program(
        monkeypatch,
        "import os, sys; from merchant.compliance.documents import child; child._limit()\n"
        "assert 'kanari' not in str(os.environ)\n"
        f"try: open({str(tmp_path / 'left')!r}, 'w').write('x' * 9999)\n"
        'except OSError: sys.stdout.write(\'{"fault": "too_complex", "found": "held"}\\n\')',
    )
    with pytest.raises(Refused) as refused:
        await checking.check_apart(b"hello", keep_place=False)
    assert refused.value.found == "held"


def test_its_memory_has_room_for_the_largest_picture_and_no_more() -> None:
    assert 3 * 4 * 40_000_000 < child.MEMORY_BYTES <= 1 << 30
