"""Forms with a file: read strictly, capped before and while they come, never more at once than may be."""

import asyncio
import contextlib
import socket
import tracemalloc
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import aiohttp
import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.access import Permission as P
from merchant.core.http import multipart
from merchant.core.http.multipart import SentFile, Uploads, parse
from merchant.core.http.route import Call, route
from merchant.core.service import Service
from merchant.programs.app import create_app, with_doors
from merchant.programs.runtime import serving
from tests import builders
from tests.builders import Person, World

BOUNDARY = b"xyz"
GOOD = (
    b'--xyz\r\nContent-Disposition: form-data; name="name"\r\n\r\nshop\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n'
    b"\r\n\r\n--xy\r\n--xyz--\r\n"
)
FILE = b'--xyz\r\nContent-Disposition: form-data; name="file"\r\n\r\nA\r\n'


def test_a_form_is_its_fields_and_its_file() -> None:
    for body in (GOOD, b"\r\n" + GOOD, GOOD.removesuffix(b"\r\n"), bytearray(GOOD)):
        form = parse(body, BOUNDARY)
        assert (form.fields, form.file) == ({"name": "shop"}, SentFile("a.pdf", b"\r\n--xy"))


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'filename="a b.pdf"', "a b.pdf"),
        (b"filename=a.pdf", "a.pdf"),
        ('filename="Ruhusa – ñ.pdf"'.encode(), "Ruhusa – ñ.pdf"),
        (b'filename="a%22b.pdf"', 'a"b.pdf'),
        (b'filename="a\\"b.pdf"', 'a"b.pdf'),
        (b"filename=\"x\"; filename*=UTF-8''%C3%B1.pdf", "ñ.pdf"),
        (b'filename=""', ""),
        (b"x=y", ""),
    ],
)
def test_a_file_is_called_what_its_sender_calls_it(head: bytes, name: str) -> None:
    part = b'--xyz\r\nContent-Disposition: form-data; name="file"; ' + head + b"\r\n\r\nA\r\n--xyz--"
    assert parse(part, BOUNDARY).file == SentFile(name, b"A")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"--xyz",
        b"--xyz\r\n",
        b"preamble\r\n" + GOOD,
        GOOD[:-9],
        GOOD.replace(b"--xyz--", b"--xyz"),
        FILE + FILE + b"--xyz--",
        FILE + b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2 + b"--xyz--",
        FILE + b"--xyz\r\n\r\n\r\n1\r\n--xyz--",
        FILE + b'--xyz\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n--xyz--',
        FILE + b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--xyz--',
        FILE + b'--xyz\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n1\r\n--xyz--',
        FILE.replace(b"\r\n\r\nA", b"\r\nContent-Transfer-Encoding: base64\r\n\r\nA") + b"--xyz--",
        b"--xyz\r\nX: " + b"x" * 3000 + GOOD[5:],
        b"".join(b'--xyz\r\nContent-Disposition: form-data; name="%d"\r\n\r\n1\r\n' % n for n in range(20))
        + b"--xyz--",
    ],
)
def test_a_form_that_is_none_is_malformed(body: bytes) -> None:
    with pytest.raises(errors.MalformedForm):
        parse(body, BOUNDARY)


def test_a_form_without_a_file_and_a_nul_are_refused() -> None:
    field = b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n--xyz--'
    with pytest.raises(errors.InvalidFields):
        parse(field % b"1", BOUNDARY)
    with pytest.raises(errors.NulCharacter):
        parse(field % b"a\0b", BOUNDARY)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_whatever_comes_is_a_form_or_a_problem(noise: bytes, at: int) -> None:
    with contextlib.suppress(errors.MalformedForm, errors.InvalidFields, errors.NulCharacter):
        parse(GOOD[:at] + noise + GOOD[at:], BOUNDARY)


@given(st.binary(max_size=500).filter(lambda content: b"--xyz" not in content))
def test_any_content_comes_out_as_it_went_in(content: bytes) -> None:
    assert parse(FILE.replace(b"\r\nA\r\n", b"\r\n" + content + b"\r\n") + b"--xyz--", BOUNDARY).file.data == content


# --- routes ----------------------------------------------------------------------------------------------------------


class Given(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent beside the file."""

    name: Annotated[str, Meta(min_length=1, max_length=9)]


class Seen(Struct, frozen=True):
    """What came."""

    name: str
    file_name: str
    bytes: int


@route("POST", "/api/v1/papers", permission=P.APPLICATIONS_WRITE, body=Given, upload=lambda _: 100_000, answer=Seen)
async def take(call: Call[Given]) -> Seen:
    """Take a paper."""
    return Seen(call.body.name, call.file.name, len(call.file.data))


@route("POST", "/api/v1/own-papers", permission=P.OWN_APPLICATION_WRITE, body=Given, upload=lambda _: 9, answer=Seen)
async def take_own(call: Call[Given]) -> Seen:
    """Take a paper of whoever is not staff."""
    return Seen(call.body.name, call.file.name, len(call.file.data))


PAPERS, OWN_PAPERS = "/api/v1/papers", "/api/v1/own-papers"


@pytest.fixture
async def papers(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(with_doors(create_app(service, [take, take_own])), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
        yield client


async def test_a_route_takes_a_form_and_says_what_is_wrong_with_it(papers: httpx.AsyncClient, world: World) -> None:
    who, form = world.maker.headers, "multipart/form-data; boundary=xyz"

    async def send(data: Any, name: str = "a", **more: str) -> httpx.Response:
        return await papers.post(PAPERS, data={"name": name, **more}, files={"file": ("a.pdf", data)}, headers=who)

    assert (await send(b"x" * 100_000)).json() == {"name": "a", "file_name": "a.pdf", "bytes": 100_000}
    large = await send(b"x" * 100_001)
    assert (large.status_code, large.json()["detail"]) == (413, "A file has at most 0.0953674 MiB.")
    assert large.headers["connection"] == "close"
    assert [one["path"] for one in (await send(b"x", name="")).json()["errors"]] == ["name"]
    assert [one["path"] for one in (await send(b"x", more="1")).json()["errors"]] == ["more"]
    assert (await papers.post(PAPERS, json={}, headers=who)).status_code == 415
    cut = await papers.post(PAPERS, content=GOOD[:-20], headers={**who, "content-type": form})
    assert (cut.status_code, cut.json()["code"]) == (400, "malformed_form")
    assert (await papers.post(PAPERS, content=GOOD, headers={"content-type": form})).status_code == 401
    checker = {**world.checker.headers, "content-type": form}
    assert (await papers.post(PAPERS, content=GOOD, headers=checker)).status_code == 403
    assert (await papers.post(PAPERS, content=GOOD, headers={**who, "content-type": form})).status_code == 200


def hold(service: Service, *actors: Actor) -> list[Any]:
    """Files that are being received from these, until each is ended."""
    held = [service.shared(Uploads).one_of(actor) for actor in actors]
    for one in held:
        one.__enter__()
    return held


def end(held: list[Any]) -> None:
    """Their files are here."""
    for one in held:
        one.__exit__(None, None, None)


async def test_no_dfsp_sends_more_files_at_once_than_it_may_and_all_together_neither(
    papers: httpx.AsyncClient, service: Service, world: World
) -> None:
    files = {"file": ("a.pdf", b"x")}
    ours = world.maker.actor
    other = msgspec.structs.replace(ours, dfsp_id=UUID(int=1))

    async def send(fsp_id: str) -> httpx.Response:
        return await papers.post(PAPERS, data={"name": "a"}, files=files, headers=world[fsp_id]["maker"].headers)

    held = hold(service, *[ours] * multipart.MOST_AT_ONCE_OF_ONE)
    busy = await send("greenbankfsp")
    assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (503, "busy", "5")
    assert (await send("lakemfi")).status_code == 200
    held += hold(service, *[other] * multipart.MOST_AT_ONCE_OF_ONE)
    assert (await send("lakemfi")).status_code == 503
    end(held)
    assert (await send("greenbankfsp")).status_code == 200


async def test_slow_applicants_never_keep_staff_or_each_other_from_sending(
    papers: httpx.AsyncClient, service: Service, world: World
) -> None:
    """Anyone with a telephone becomes one; two accounts at two DFSPs held every place there was."""
    files, guest = {"file": ("a.pdf", b"x")}, await builders.applicant(service, world)
    there = msgspec.structs.replace(guest.actor, id=UUID(int=7), dfsp_id=world.dfsp_ids["lakemfi"])

    async def send(who: Person, path: str = PAPERS) -> int:
        sent = await papers.post(path, data={"name": "a"}, files=files, headers=who.headers)
        return sent.status_code

    mine = hold(service, guest.actor)
    assert await send(guest, OWN_PAPERS) == 503, "one person sends one file at a time"
    with pytest.raises(errors.Busy):
        hold(service, guest.actor)
    theirs = hold(service, there)
    end(mine)
    assert await send(guest, OWN_PAPERS) == 200, "another's slow file does not hold up mine"

    mine = hold(service, guest.actor)
    owner = msgspec.structs.replace(guest.actor, id=UUID(int=8), merchant_id=UUID(int=9), roles=("merchant_owner",))
    with pytest.raises(errors.Busy):
        hold(service, owner)
    staff = hold(service, *[world.maker.actor] * (multipart.MOST_AT_ONCE_OF_ONE - 1))
    assert await send(world.maker) == 200, "what applicants send is not counted as their DFSP's"
    assert await send(world["lakemfi"]["maker"]) == 200
    end([*mine, *theirs, *staff])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_200_megabytes_are_refused_at_once_and_never_held(service: Service, world: World) -> None:
    """Over a real connection: by the length that is told, and by counting where none is told."""
    port, who = free_port(), world.maker.headers
    head = f"POST {PAPERS} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {who['authorization']}\r\n"
    head += "content-type: multipart/form-data; boundary=xyz\r\n"

    async def send(more: str, sends: int, chunk: bytes) -> tuple[bytes, int]:
        """The answer, and how many chunks went out before it came."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((head + more + "\r\n").encode())
        answer, sent = asyncio.ensure_future(reader.read(4096)), 0
        try:
            while sent < sends and not answer.done():
                writer.write(chunk)
                await asyncio.wait_for(writer.drain(), 5)
                await asyncio.sleep(0)
                sent += 1
        except (ConnectionError, TimeoutError):
            pass
        try:
            return await asyncio.wait_for(answer, 5), sent
        finally:
            writer.close()

    async with serving(with_doors(create_app(service, [take])), "127.0.0.1", port):
        tracemalloc.start()
        told, sent = await send("content-length: 200000000\r\n", 0, b"")
        assert told.startswith(b"HTTP/1.1 413"), told
        assert b'"code":"too_large"' in told
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        counted, sent = await send("transfer-encoding: chunked\r\n", 3_000, chunk)
        assert counted.startswith(b"HTTP/1.1 413"), counted
        assert sent < 1_500
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
        tracemalloc.stop()


async def test_a_body_that_is_cut_off_is_never_acted_upon(service: Service, world: World) -> None:
    port = free_port()
    async with serving(with_doors(create_app(service, [take])), "127.0.0.1", port), aiohttp.ClientSession() as http:

        async def broken() -> AsyncIterator[bytes]:
            yield GOOD[:-20]
            raise ConnectionResetError

        headers = {**world.maker.headers, "content-type": "multipart/form-data; boundary=xyz"}
        with pytest.raises(aiohttp.ClientError):
            await http.post(f"http://127.0.0.1:{port}{PAPERS}", data=broken(), headers=headers)
        whole = await http.post(f"http://127.0.0.1:{port}{PAPERS}", data=GOOD, headers=headers)
        assert whole.status == 200
        assert msgspec.json.decode(await whole.read())["bytes"] == 6
