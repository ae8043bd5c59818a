"""`merchant user`: what brings an installation back in which nobody can sign in, and what says so in the record."""

import subprocess
from pathlib import Path

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import OPERATOR, PASSWORD, SECRET_KEY, World
from tests.merchant.cli.test_main import merchant

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]
MAKER = "maker@greenbankfsp.example"
NEW = "seven quiet baobabs"


class Machine:
    """The machine's operator at the test's database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._settings = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY}
        self._folder = folder

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return merchant("user", *arguments, data=self._folder, **self._settings)

    def done(self, *arguments: str) -> str:
        ended = self.run(*arguments)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
        return ended.stdout


@pytest.fixture
def machine(tmp_path: Path, database_url: str) -> Machine:
    return Machine(tmp_path, database_url)


async def sign_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/v1/sessions", json={"email": email, "password": password})


async def test_a_second_operator_is_added_and_a_lost_password_and_phone_are_replaced(
    machine: Machine, client: httpx.AsyncClient, service: Service, world: World
) -> None:
    told = machine.done("create", "--email", "Second@hub.example", "--name", "Second", "--role", "hub_operator")
    link = told.split()[-1]
    path = link.replace(service.settings.base_url + "/account", "/api/v1")
    assert (await client.put(path, json={"password": NEW})).status_code == 204
    signed = await sign_in(client, "second@hub.example", NEW)
    assert signed.json()["user"]["roles"] == ["hub_operator"]

    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET totp_sealed = 'x', totp_confirmed_at = now() WHERE email = $1", OPERATOR)
    told = machine.done("reset", OPERATOR, "--forget-totp")
    path = told.split()[-1].replace(service.settings.base_url + "/account", "/api/v1")
    assert (await client.put(path, json={"password": NEW})).status_code == 204
    assert (await sign_in(client, OPERATOR, NEW)).status_code == 201

    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT actor_kind, action, detail FROM audit_entry WHERE action LIKE 'user.%'")
        mails = await tx.fetchval("SELECT count(*) FROM outgoing_mail")
    by_hand = [row["detail"] for row in rows if row["action"] == "user.operated"]
    assert [one["command"] for one in by_hand] == ["create", "reset"]
    assert {one["by"] for one in by_hand} == {"command line"}
    assert mails == 0  # the links were printed


async def test_roles_change_at_once_and_people_are_let_out_and_in(
    machine: Machine, client: httpx.AsyncClient, service: Service, world: World
) -> None:
    machine.done("roles", MAKER, "dfsp_checker", "dfsp_auditor")
    assert (await client.get("/api/v1/users/me", headers=world.maker.headers)).status_code == 401
    assert (await sign_in(client, MAKER)).json()["user"]["roles"] == ["dfsp_auditor", "dfsp_checker"]
    machine.done("disable", MAKER)
    assert (await sign_in(client, MAKER)).status_code == 401
    machine.done("enable", MAKER)
    assert (await sign_in(client, MAKER)).status_code == 201
    for guess in range(6):
        await sign_in(client, MAKER, f"wrong {guess}")
    assert (await sign_in(client, MAKER)).status_code == 429
    machine.done("unlock", MAKER)
    assert (await sign_in(client, MAKER)).status_code == 201
    listed = machine.done("list")
    assert f"{MAKER}  active  -  greenbankfsp  dfsp_auditor dfsp_checker\n" in listed
    assert f"{OPERATOR}  active  -  hub  hub_operator\n" in listed
    assert len(listed.splitlines()) == 1 + 2 * len(builders._STAFF)


async def test_what_cannot_be_done_ends_with_one_sentence_and_a_status_that_says_so(machine: Machine) -> None:
    for arguments, status, sentence in (
        (["create", "--email", MAKER, "--name", "N", "--role", "dfsp_maker", "--dfsp", "lakemfi"], 1, "exists"),
        (["roles", MAKER, "superuser"], 2, "superuser"),
    ):
        ended = machine.run(*arguments)
        assert (ended.returncode, ended.stdout) == (status, "")
        assert sentence in ended.stderr
        assert "Traceback" not in ended.stderr
