"""`merchant ussd`: routes and calls from the command line, as the machine's operator gives them."""

import asyncio
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from merchant.channels.ussd.door import ussd_door
from merchant.core.service import Service
from merchant.programs import runtime
from merchant.programs.app import create_app, with_doors
from tests import builders
from tests.builders import SECRET_KEY, World
from tests.merchant.channels.conftest import PHONE, open_groceries
from tests.merchant.cli.test_main import merchant

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


class Machine:
    """The machine's operator at the test's database, beside a running service."""

    def __init__(self, folder: Path, database_url: str, port: int) -> None:
        self._settings = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "PORT": str(port)}
        self._folder = folder

    async def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(merchant, "ussd", *arguments, data=self._folder, **self._settings)

    async def done(self, *arguments: str) -> str:
        ended = await self.run(*arguments)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
        return ended.stdout


@pytest.fixture
async def machine(tmp_path: Path, database_url: str, service: Service, world: World) -> AsyncIterator[Machine]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    async with runtime.serving(with_doors(create_app(service, [ussd_door])), "127.0.0.1", port):
        yield Machine(tmp_path, database_url, port)


async def test_a_route_is_added_dialled_rotated_listed_and_closed(machine: Machine, service: Service) -> None:
    _, counter = await builders.find_shop(service)
    told = await machine.done("route", "add", "hubtel", "--name", "accra", "--code", "#150#", "--country", "GH")
    [address] = re.findall(r"^http://127\.0\.0\.1:[0-9]+/ussd/hubtel/[0-9a-f]{40}$", told, re.MULTILINE)
    dialled = await machine.done("dial", "#150#", "1", counter.alias, "--as", PHONE, "--route", "accra")
    assert re.search(r"^\| Shop payments\n(\|.*\n)+\+-- [0-9]+ of 160 septets, GSM-7, 0 s of 180 s\n> 1\n", dialled)
    assert "\n| Mama Njeri\n| Enter the amount in USD:\n" in dialled
    rotated = await machine.done("route", "rotate", "accra", "--keep-hours", "0")
    [renewed] = re.findall(r"^http.*$", rotated, re.MULTILINE)
    assert renewed != address
    assert (await machine.done("route", "list")).startswith("accra  hubtel  #150#  GH  open")
    other = PHONE[:-2] + "77"  # one that has nothing to go on with
    by_address = ("dial", "#150#", "--as", other, "--code", "#150#", "--address")
    assert "| Shop payments" in await machine.done(*by_address, renewed)
    ended = await machine.run(*by_address, address)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "merchant: The door answered 403: This is not the key of this gateway.\n"
    await machine.done("route", "disable", "accra")
    assert "disabled" in await machine.done("route", "list")


async def test_a_centre_is_added_with_its_password_in_a_file_which_no_list_tells(
    machine: Machine, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    centre = ("--smsc", "smpps://192.0.2.7:2775", "--system-id", "registry")
    told = await machine.done("route", "add", "smpp", "--name", "operator", *centre, "--password-file", str(file))
    assert told == "added operator; workers bind at smpps://192.0.2.7:2775 within seconds\n"
    listed = await machine.done("route", "list")
    assert listed.startswith("operator  smpp  ")
    assert "registry at smpps://192.0.2.7:2775" in listed
    assert "s3cret" not in listed
    assert await machine.done("route", "password", "operator", "--password-file", str(file))
    for refused in (("rotate", "operator"), ("add", "smpp", *centre), ("password", "operator")):
        ended = await machine.run("route", *refused)
        assert (ended.returncode != 0, "s3cret" in ended.stderr) == (True, False)


async def test_a_call_ends_with_its_last_screen_and_says_when_answers_are_left(machine: Machine) -> None:
    dialled = await machine.done("dial", "*384*123#", "99", "--as", PHONE)
    assert dialled.endswith("> 99\n| Goodbye.\n+-- 8 of 160 septets, GSM-7, session over\n")
    ended = await machine.run("dial", "*384*123#", "99", "1", "--as", PHONE)
    assert (ended.returncode, ended.stderr) == (1, "Error: the session ended before 1 of the answers\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["route", "add", "telegraph"], "merchant: There is no gateway 'telegraph'"),
        (["route", "rotate", "nobody"], "merchant: There is no route 'nobody'"),
        (["dial", "*999#", "--as", PHONE], "merchant: No code of this line begins *999#. Dial *384*123#"),
    ],
)
async def test_what_cannot_be_done_is_told_in_one_sentence(
    machine: Machine, arguments: list[str], sentence: str
) -> None:
    ended = await machine.run(*arguments)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(sentence)
    assert ended.stderr.count("\n") == 1
