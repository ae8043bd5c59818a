"""Recorded messages of every gateway: each file holds a call, the step in it, our reply, and the answer byte for byte.

A file has four parts, each under a line of its own: `call`, `step`, `reply`, `answer`. A step lists the fields that are
not empty; `reply` is CON or END and the text, or nothing for a notice. Units of SMPP are written in hexadecimal.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import asdict

from tests.cases import every_case
from tests.ussd.lines import ROUTE
from ussd import GATEWAYS, Answer, Call, Reply, Step
from ussd.session import Event

RECORDINGS = Path(__file__).parent / "recordings"
PARTS = ("call", "step", "reply", "answer")
# Of every gateway; whoever tells of an end has a recording of it besides.
CASES = {"begin", "reply", "end", "retry"}


def files() -> Iterator[tuple[str, str, Path]]:
    for file in sorted(RECORDINGS.glob("*/*.txt")):
        yield file.parent.name, file.stem, file


FILES = list(files())


def parts_of(file: Path) -> dict[str, str]:
    text, parts, name = file.read_text(encoding="utf-8"), {}, ""
    for line in text.splitlines(keepends=True):
        if line.startswith("==== "):
            name = line.removeprefix("==== ").strip()
            parts[name] = ""
        else:
            parts[name] += line
    assert tuple(parts) == PARTS
    return {name: part.removesuffix("\n") for name, part in parts.items()}


def call_of(part: str) -> Call:
    head, _, body = part.partition("\n\n")
    first, *lines = head.splitlines()
    method, target = first.split(" ")
    path, _, query = target.partition("?")
    headers = dict(line.split(": ", 1) for line in lines)
    return Call(method, path, query, headers, bytes.fromhex(body) if method == "SMPP" else body.encode())


def said(step: Step) -> str:
    """A step as the files write it."""
    named = asdict(step).items()
    return "\n".join(
        f"{name} = {value}".rstrip() for name, value in named if value or (value == "" and name == "opens")
    )


def reply_of(part: str) -> Reply:
    verb, _, text = part.partition(" ")
    assert verb in ("CON", "END", "")
    return Reply(text, end=verb != "CON")


def written(answer: Answer, *, is_http: bool = True) -> str:
    if not is_http and answer.body:
        return answer.body.hex(" ")
    head = "\n".join([str(answer.status), *(f"{name}: {value}" for name, value in answer.headers)])
    return f"{head}\n\n{answer.body.decode()}" if answer.body else head


@every_case(("gateway", "case", "file"), [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in FILES])
def test_a_recording_is_read_and_answered_as_it_says(gateway: str, case: str, file: Path) -> None:
    parts = parts_of(file)
    step = GATEWAYS[gateway].decode(call_of(parts["call"]), ROUTE)
    assert said(step) == parts["step"]
    assert step.gateway == gateway
    is_http = GATEWAYS[gateway].is_http
    answer = GATEWAYS[gateway].encode(step, reply_of(parts["reply"]))
    assert written(answer, is_http=is_http) == parts["answer"]
    assert call_of(parts["call"]).method in (GATEWAYS[gateway].methods or {"SMPP"})


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_every_gateway_has_its_recordings(gateway: str) -> None:
    recorded = {case for name, case, _ in FILES if name == gateway}
    notices = set(GATEWAYS[gateway].notices)
    assert notices <= set(get_args(Event)) - {"begin", "reply", "status"}
    assert recorded >= CASES | notices
    assert recorded - notices <= CASES | {"status", "dialled", "empty"}


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_retry_is_the_call_it_repeats(gateway: str) -> None:
    """Which is why a gateway's own number or name of a message matters, and where it has none, time."""
    folder = RECORDINGS / gateway
    assert parts_of(folder / "retry.txt") == parts_of(folder / "end.txt")
