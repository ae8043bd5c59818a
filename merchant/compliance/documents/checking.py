"""Look at a file that someone sent: its kind at once, then the virus scanner, then the whole in a process apart."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import msgspec
import structlog

import merchant
from merchant.compliance.documents import scan
from merchant.compliance.documents.child import WITH_PLACE, Verdict
from merchant.compliance.documents.faults import Fault, Refused
from merchant.compliance.documents.kinds import Checked, kind_of
from merchant.compliance.documents.problems import refusal
from merchant.core.service import Service

# Files looked at at once; the others wait. As many processors are rarely idle.
AT_ONCE = 2
_LONGEST_S = 40.0
_CHILD = (sys.executable, "-B", "-m", "merchant.compliance.documents.child")
_ENVIRONMENT = {"PYTHONPATH": str(Path(merchant.__file__).parents[1])}
_log = structlog.get_logger()


class _Turns:
    """Who may look at a file now, in this process."""

    def __init__(self, _service: Service) -> None:
        self.turn = asyncio.Semaphore(AT_ONCE)


async def check_file(service: Service, data: bytes, *, keep_place: bool) -> Checked:
    """A file as it is kept. Raises a RefusedFile, ScannerAway."""
    try:
        if _is_known(data) and service.settings.clamd:
            await scan.scan(service.settings.clamd, data)
        async with service.shared(_Turns).turn:
            return await check_apart(data, keep_place=keep_place)
    except Refused as refused:
        raise refusal(refused) from None


def _is_known(data: bytes) -> bool:
    """Whether a file is of a kind that is taken. Raises Refused, but where content.inspect may know its name."""
    try:
        kind_of(data)
    except Refused as refused:
        if refused.fault is not Fault.UNKNOWN_TYPE:
            raise
        return False
    return True


async def check_apart(data: bytes, *, keep_place: bool) -> Checked:
    """What content.inspect answers, from a process with limits. Raises Refused."""
    process = await asyncio.create_subprocess_exec(
        *_CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_ENVIRONMENT,
    )
    try:
        async with asyncio.timeout(_LONGEST_S):
            told, complaint = await process.communicate((WITH_PLACE if keep_place else b"0") + data)
    except TimeoutError:
        raise Refused(Fault.TOO_COMPLEX) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise _broken(process.returncode, complaint)
    line, _end, kept = told.partition(b"\n")
    verdict = msgspec.json.decode(line, type=Verdict)
    if verdict.fault is not None:
        raise Refused(verdict.fault, verdict.found)
    return Checked(verdict.media_type, kept, verdict.pages, verdict.place)


def _broken(status: int, complaint: bytes) -> Refused:
    """Why a file is refused that ended the process which looked at it."""
    # The last line is the kind of fault, and perhaps words of the file behind it.
    last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2].partition(":")[0]
    _log.error("document_check_failed", status=status, fault=last[:100])
    killed = status < 0 and -status != signal.SIGTERM
    return Refused(Fault.TOO_COMPLEX if killed or last == "MemoryError" else Fault.BROKEN_FILE)
