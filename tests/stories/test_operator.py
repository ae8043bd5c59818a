"""An installation, as README's "From a bare machine to a running service" has it, by its commands alone.

A PostgreSQL of one's own with four roles, the scheme, people by invitation with authenticator apps, a hub joined by
keys, a merchant, a payment; then a backup, the loss of the machine, and the same installation on another database
under roles of other names, which goes on. Only TLS and the network of a second machine are not here.
"""

import asyncio
import os
import re
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pyotp
import pytest

from merchant.core import postgres
from merchant.demo.simulator import SimulatorConfig
from tests import builders
from tests.merchant.demo.simulator.conftest import FAST, free_port, new_journal, running_simulator
from tests.stories.town import until

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]
SECRET = "a-secret-that-only-the-proxy-of-the-hub-knows"
FSP_ID = "greenbankfsp"
PAYER = "254711000001"
SCHEME = "--name Lakeside --domain pay.lakeside.example --country KE --currency USD --time-zone Africa/Nairobi"
PASSPHRASE = "heron gravel {} lantern"


class Machine:
    """A machine with a data folder and a way to the database server; `run` is its shell."""

    def __init__(self, server: postgres.Running, folder: Path, suffix: str) -> None:
        self.server, self.folder, self.suffix, self.port = server, folder, suffix, free_port()
        self.names = {name: f"{name}_{suffix}" for name in ("db", "owner", "login", "app", "system")}
        folder.mkdir()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def database_url(self, name: str) -> str:
        parts = urlsplit(self.server.url(self.names["db"]))
        return parts._replace(netloc=f"{self.names[name]}:{name}-password@").geturl()

    def variables(self, login: str = "login") -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MERCHANT_")}
        return kept | {
            "MERCHANT_DATA_DIR": str(self.folder),
            "MERCHANT_DATABASE_URL": self.database_url(login),
            "MERCHANT_DATABASE_APP_ROLE": self.names["app"],
            "MERCHANT_DATABASE_SYSTEM_ROLE": self.names["system"],
            "MERCHANT_GATEWAY_SECRET": SECRET,
            "MERCHANT_MAIL_KIND": "none",
            "MERCHANT_PORT": str(self.port),
            "MERCHANT_SEED_PASSWORD": PASSPHRASE.format("operator"),
        }

    async def run(self, *arguments: str, login: str = "login", status: int = 0) -> str:
        """`merchant …`; what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "merchant",
            *arguments,
            env=self.variables(login),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        assert process.returncode == status, printed.decode()
        return printed.decode()

    async def make_roles(self) -> None:
        """What the database's administrator does once."""
        names = self.names
        script = self.folder / "roles.sql"
        options = ["--database", names["db"], "--owner", names["owner"], "--login", names["login"]]
        script.write_text(await self.run("database", "roles", *options))
        psql = postgres.find_binaries().bin_dir / "psql"
        passwords = ["-v", "owner_password=owner-password", "-v", "login_password=login-password"]
        command = [str(psql), "-X", *passwords, "-f", str(script), self.server.superuser_url()]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        printed, _ = await process.communicate()
        assert process.returncode == 0, printed.decode()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """`merchant serve`, alive until the block ends or someone kills it."""
        log = (self.folder / "serve.log").open("ab")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "merchant", "serve", env=self.variables(), stdout=log, stderr=log
        )

        async def answers() -> bool | None:
            assert process.returncode is None, (self.folder / "serve.log").read_text()
            try:
                async with aiohttp.ClientSession() as http, http.get(f"{self.url}/health/live") as response:
                    return response.status == 200
            except aiohttp.ClientConnectionError:
                return None

        try:
            await until(answers, "the service serves")
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
            log.close()

    async def remove(self) -> None:
        administrator = await asyncpg.connect(self.server.superuser_url())
        await administrator.execute(f"DROP DATABASE IF EXISTS {self.names['db']} WITH (FORCE)")
        for name in ("owner", "login", "app", "system"):
            await administrator.execute(f"DROP ROLE IF EXISTS {self.names[name]}")
        await administrator.close()


class Person:
    """Someone with a browser; their password and authenticator app are theirs alone."""

    def __init__(self, http: aiohttp.ClientSession, machine: Machine) -> None:
        self.http, self.machine, self.headers, self.password = http, machine, dict[str, str](), ""

    async def call(self, method: str, path: str, body: Any = None, *, status: int = 0, **headers: str) -> Any:
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, self.machine.url + path, json=body, headers=sent) as response:
            text = await response.text()
            assert response.status == status or (not status and response.status < 300), (path, text)
            return await response.json() if text else None

    async def accept(self, printed: str, password: str) -> None:
        """The link that the operator handed over, as `merchant user create` printed it."""
        found = re.search(r"/account/invitations/(\S+)", printed)
        assert found is not None, printed
        await self.call("PUT", f"/api/v1/invitations/{found[1]}", {"password": password}, status=204)

    async def sign_in(self, email: str, password: str) -> dict[str, Any]:
        signed: dict[str, Any] = await self.call(
            "POST", "/api/v1/sessions", {"email": email, "password": password}, status=201
        )
        self.headers, self.password = {"authorization": f"Bearer {signed['access_token']}"}, password
        return signed

    async def set_up_app(self) -> None:
        """Hub staff, checkers and administrators may do nothing before."""
        enrolled = await self.call("POST", "/api/v1/users/me/totp", {"password": self.password})
        code = pyotp.TOTP(enrolled["secret"]).now()
        confirmed = await self.call("POST", "/api/v1/users/me/totp/confirm", {"code": code})
        assert len(confirmed["recovery_codes"]) == 10


@pytest.fixture
async def machines(postgres_server: postgres.Running, tmp_path: Path) -> AsyncIterator[list[Machine]]:
    """The first, and the one that takes its place."""
    made = [Machine(postgres_server, tmp_path / f"machine{number}", uuid.uuid4().hex[:10]) for number in (1, 2)]
    yield made
    for one in made:
        await one.remove()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def invite(machine: Machine, http: aiohttp.ClientSession, title: str, role: str) -> Person:
    """Someone of the DFSP, added by the machine's operator, with a password of their own, signed in."""
    email, password = f"{title}@bank.example", PASSPHRASE.format(title)
    options = ["--email", email, "--name", title.title(), "--role", role, "--dfsp", FSP_ID]
    person = Person(http, machine)
    await person.accept(await machine.run("user", "create", *options), password)
    await person.sign_in(email, password)
    return person


async def join_hub(machine: Machine, operator: Person, dfsp: dict[str, Any], hub_url: str) -> None:
    """README, "Join a hub": addresses, our key for them, their keys for us, and a look-up that proves it."""
    tag = f'"{dfsp["version"]}"'
    await operator.call("PATCH", f"/api/v1/dfsps/{dfsp['id']}", {"hub_url": hub_url}, if_match=tag)
    pem = await machine.run("hub", "key", "show", "--fsp", FSP_ID, "--pem")
    [ours] = re.findall(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n", pem, flags=re.S)
    about = {"callback_url": f"{machine.url}/fspiop", "public_key_pem": ours}
    async with operator.http.put(f"{hub_url}/control/fsps/{FSP_ID}", json=about) as response:
        assert response.status == 200, await response.text()
    async with operator.http.get(f"{hub_url}/control/keys") as response:
        for theirs in await response.json():
            file = machine.folder / f"{theirs['fsp_id']}.pem"
            file.write_text(theirs["public_key_pem"])
            assert "sha256" in await machine.run("hub", "key", "import", theirs["fsp_id"], str(file))
    await machine.run("hub", "test", FSP_ID, "--payer", PAYER)


async def onboard(maker: Person, checker: Person) -> dict[str, Any]:
    """The maker applies, the worker screens, the checker approves the version that was read."""
    opened = await maker.call("POST", "/api/v1/applications", builders.company(), idempotency_key="shop")
    path = f"/api/v1/applications/{opened['id']}"
    await maker.call("POST", f"{path}/submit")

    async def screened() -> dict[str, Any] | None:
        found: dict[str, Any] = await checker.call("GET", path)
        return found if found["state"] == "in_review" else None

    reviewed = await until(screened, "the application is screened")
    approval = {"version_hash": reviewed["version_hash"]}
    approved: dict[str, Any] = await checker.call("POST", f"{path}/approve", approval)
    return approved


async def be_paid(machine: Machine, http: aiohttp.ClientSession, key: str, counter_id: str) -> str:
    """The shop asks, the customer agrees; the request's id."""
    shop = Person(http, machine)
    shop.headers = {"x-api-key": key}
    body = {
        "counter_id": counter_id,
        "amount": {"amount": "2.5", "currency": "USD"},
        "payer": {"type": "MSISDN", "id": PAYER},
    }
    asked = await shop.call("POST", "/api/v1/payment-requests", body, idempotency_key=uuid.uuid4().hex)

    async def paid() -> str | None:
        shown = await shop.call("GET", f"/api/v1/payment-requests/{asked['id']}")
        return str(shown["id"]) if shown["state"] == "paid" else None

    return await until(paid, "the shop is paid")


async def ready(machine: Machine, http: aiohttp.ClientSession) -> dict[str, str] | None:
    """Each check of /health/ready with its verdict, once it is ready."""
    async with http.get(f"{machine.url}/health/ready") as response:
        found = await response.json()
        return {one["name"]: one["status"] for one in found["checks"]} if response.status == 200 else None


async def test_a_stranger_sets_up_joins_a_hub_loses_the_machine_and_goes_on_with_another(
    machines: list[Machine], http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    first, second = machines
    await first.make_roles()
    assert "merchant migrate" in await first.run("serve", status=1), "nothing migrates unasked"
    await first.run("migrate", login="owner")
    assert "secret key" in await first.run("serve", status=1), "nothing but seed makes a key"
    await first.run("seed", "--email", "operator@hub.example", *SCHEME.split())
    options = ["--email", "second@hub.example", "--name", "Second", "--role", "hub_operator"]
    link = await first.run("user", "create", *options)

    config = SimulatorConfig(
        service_url=first.url, journal_path=new_journal(tmp_path), gateway_secret=SECRET, timings=FAST
    )
    async with running_simulator(config, free_port()) as hub_url:
        async with first.serving() as program:
            operator, another = Person(http, first), Person(http, first)
            signed = await operator.sign_in("operator@hub.example", PASSPHRASE.format("operator"))
            assert signed["totp_enrolment_required"]
            refused = await operator.call("GET", "/api/v1/dfsps", status=403)
            assert refused["code"] == "totp_enrolment_required"
            await operator.set_up_app()
            await another.accept(link, PASSPHRASE.format("second"))
            await another.sign_in("second@hub.example", PASSPHRASE.format("second"))
            await another.set_up_app()
            dfsp = await operator.call("POST", "/api/v1/dfsps", {"fsp_id": FSP_ID, "name": "Green Bank"})
            assert (dfsp["enabled"], dfsp["proposed_enabled"]) == (False, True)
            path, tag = f"/api/v1/dfsps/{dfsp['id']}", f'"{dfsp["version"]}"'
            dfsp = await another.call("PATCH", path, {"enabled": True}, if_match=tag)
            assert dfsp["enabled"]
            await join_hub(first, operator, dfsp, hub_url)

            admin = await invite(first, http, "admin", "dfsp_admin")
            maker = await invite(first, http, "maker", "dfsp_maker")
            checker = await invite(first, http, "checker", "dfsp_checker")
            for one in (admin, checker):
                await one.set_up_app()
            shop = await onboard(maker, checker)
            counter_id = shop["counters"][0]["id"]
            scopes = {"name": "core system", "scopes": ["payments:read", "payments:request"]}
            key = (await admin.call("POST", "/api/v1/api-keys", scopes))["key"]
            before = await be_paid(first, http, key, counter_id)

            file = tmp_path / "monday.backup"
            assert "as the database's owner" in await first.run("backup", str(file), status=1)
            assert "keep a copy apart" in await first.run("backup", str(file), login="owner")
            kept_key = (first.folder / "secret.key").read_text()
            program.kill()
            await program.wait()
        await first.remove()

        second.port = first.port  # its name in the network
        await second.make_roles()
        assert "key" in await second.run("restore", str(file), login="owner", status=1), "the key comes first"
        (second.folder / "secret.key").write_text(kept_key)
        (second.folder / "secret.key").chmod(0o600)
        await second.run("restore", str(file), login="owner")
        async with second.serving():
            checks = await until(lambda: ready(second, http), "the hub was asked and all is ready")
            assert {checks[name] for name in ("database", "schema", "scheme", "worker", "keys", "lists")} <= {
                "ok",
                "warning",
            }
            auditor = Person(http, second)
            auditor.headers = operator.headers
            assert (await auditor.call("GET", "/api/v1/users/me"))["name"] == "Hub operator", "people stay signed in"
            shown = Person(http, second)
            shown.headers = {"x-api-key": key}
            assert (await shown.call("GET", f"/api/v1/payment-requests/{before}"))["state"] == "paid"
            assert await be_paid(second, http, key, counter_id) != before
            assert "good" in await second.run("audit", "verify")
            found = await second.run("check", status=3)
            assert "error" not in found.lower().split("warning")[0]
