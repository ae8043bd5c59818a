"""Files that are sent: one file in a form, bounded while it comes in, and nothing else."""

import httpx
import msgspec
import pytest

from merchant.core.service import Service
from tests.apps import app_on, client_on
from tests.builders import World
from tests.merchant.exchange.files import as_csv, seller

pytestmark = pytest.mark.anyio
PATH = "/api/v1/imports"
MOST_BYTES = 2048


@pytest.fixture
def few_bytes(service: Service) -> None:
    """A service that takes small files only."""
    service.settings = msgspec.structs.replace(service.settings, import_max_bytes=MOST_BYTES)


def headers(world: World, **more: str) -> dict[str, str]:
    return {**world.maker.headers, "idempotency-key": "k", **more}


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ([], {"dry_run": "true"}),
        ([("table", ("a.csv", b"x"))], {}),
        ([("file", ("a.csv", b"x")), ("file", ("b.csv", b"y"))], {}),
        ([("file", ("a.csv", b"x")), ("other", ("b.csv", b"y"))], {}),
        ([("file", (None, b"x"))], {}),
    ],
)
async def test_anything_but_one_file_is_refused(
    client: httpx.AsyncClient, world: World, parts: list[tuple[str, tuple[str | None, bytes]]], fields: dict[str, str]
) -> None:
    boundary_only = {"x": (None, "y")} if not parts else None
    answer = await client.post(PATH, files=parts or boundary_only, data=fields, headers=headers(world))
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_upload"), answer.text


@pytest.mark.parametrize(
    ("media_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "unsupported_media_type"),
        ("text/csv", b"a,b", 415, "unsupported_media_type"),
        ("", b"a,b", 415, "unsupported_media_type"),
        ("multipart/form-data", b"a,b", 400, "malformed_upload"),
        ("multipart/form-data; boundary=x", b"", 400, "malformed_upload"),
        ("multipart/form-data; boundary=x", b"nothing", 400, "malformed_upload"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=file\r\n",
            400,
            "malformed_upload",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=no-such'
            b"\r\n\r\nb\r\n--x--\r\n",
            400,
            "malformed_upload",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\xfe\r\n--x--\r\n',
            400,
            "malformed_upload",
        ),
    ],
)
async def test_what_is_no_form_is_refused(
    client: httpx.AsyncClient, world: World, media_type: str, body: bytes, status: int, code: str
) -> None:
    answer = await client.post(PATH, content=body, headers=headers(world, **{"content-type": media_type}))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_file_that_is_too_large_is_refused_by_its_length(
    service: Service, world: World, few_bytes: None
) -> None:
    async with client_on(app_on(service)) as client:
        large = await client.post(PATH, files={"file": ("a.csv", b"x" * 100_000)}, headers=headers(world))
        assert (large.status_code, large.json()["code"]) == (413, "too_large")
        assert large.headers["connection"] == "close"
        slightly = await client.post(PATH, files={"file": ("a.csv", b"x" * (MOST_BYTES + 1))}, headers=headers(world))
        assert (slightly.status_code, slightly.json()["code"]) == (413, "too_large")


async def test_a_body_without_a_length_is_counted_as_it_comes_in(
    service: Service, world: World, few_bytes: None
) -> None:
    sent = 0

    async def chunks() -> object:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for _ in range(1000):
            sent += 1
            yield b"x" * 1000

    async with client_on(app_on(service)) as client:
        body = {"content-type": "multipart/form-data; boundary=x"}
        answer = await client.post(PATH, content=chunks(), headers=headers(world, **body))  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_fields_beside_the_file_are_checked(client: httpx.AsyncClient, world: World) -> None:
    table = {"file": ("a.csv", as_csv([seller(1)]))}
    for fields, code in (
        ({"dry_run": "perhaps"}, "invalid"),
        ({"dry_run": ""}, "invalid"),
        ({"delimiter": ";"}, "unknown"),
    ):
        answer = await client.post(PATH, files=table, data=fields, headers=headers(world))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code), answer.text
    nul = await client.post(PATH, files=table, data={"dry_run": "a\0"}, headers=headers(world))
    assert (nul.status_code, nul.json()["code"]) == (400, "nul_character")
    taken = await client.post(f"{PATH}?dry_run=true", files=table, headers=headers(world))
    assert (taken.status_code, taken.json()["dry_run"]) == (202, True)


async def test_the_senders_name_of_a_file_is_only_shown(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    name = "../../etc/пароль.csv"
    table = {"file": (name, as_csv([seller(1)]))}
    answer = await client.post(PATH, files=table, headers=headers(world))
    assert answer.status_code == 202, answer.text
    assert answer.json()["file_name"].endswith(".csv")
    assert not any("etc" in str(path) for path in service.settings.data_dir.rglob("*"))
