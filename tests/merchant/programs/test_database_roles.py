"""The script for an administrator: run on a real server, by psql, for two installations beside each other."""

import subprocess
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from merchant import migrations
from merchant.core import postgres
from merchant.core.service import open_service
from merchant.core.settings import Settings
from merchant.migrations import NotMigrated, Roles
from merchant.programs.check import look_at_database
from merchant.programs.database_roles import BadRoleName, script
from merchant.programs.runtime import ready_service
from merchant.programs.seed import seed_scheme
from tests.builders import OPERATOR, PASSWORD, SCHEME

pytestmark = [pytest.mark.anyio, pytest.mark.database]
PASSWORDS = ("owner's pass\\word", "log'in")


class Installation:
    """One database with its four roles, as an administrator makes them."""

    def __init__(self, server: postgres.Running, suffix: str) -> None:
        self.server = server
        self.database, self.owner, self.login = f"db_{suffix}", f"owner_{suffix}", f"login_{suffix}"
        self.roles = Roles(f"app_{suffix}", f"system_{suffix}")

    def make(self, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        file = folder / "roles.sql"
        file.write_text(script(self.database, self.owner, self.login, self.roles.app, self.roles.system))
        variables = [f"owner_password={PASSWORDS[0]}", f"login_password={PASSWORDS[1]}"]
        psql = postgres.find_binaries().bin_dir / "psql"
        command = [psql, "-X", "-v", variables[0], "-v", variables[1], "-f", file, self.server.superuser_url()]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def url(self, name: str, password: str) -> str:
        quoted = password.replace("\\", "%5C").replace("'", "%27").replace(" ", "%20")
        parts = urlsplit(self.server.url(self.database))
        return parts._replace(netloc=f"{name}:{quoted}@").geturl()

    @property
    def owner_url(self) -> str:
        return self.url(self.owner, PASSWORDS[0])

    @property
    def login_url(self) -> str:
        return self.url(self.login, PASSWORDS[1])

    def settings(self, settings: Settings) -> Settings:
        names = {"database_app_role": self.roles.app, "database_system_role": self.roles.system}
        return msgspec.structs.replace(settings, **names)


@pytest.fixture
async def installations(postgres_server: postgres.Running) -> AsyncIterator[list[Installation]]:
    """Two, of which nothing is made yet."""
    made = [Installation(postgres_server, uuid.uuid4().hex[:12]) for _ in range(2)]
    yield made
    administrator = await asyncpg.connect(postgres_server.superuser_url())
    for one in made:
        await administrator.execute(f"DROP DATABASE IF EXISTS {one.database} WITH (FORCE)")
        for role in (one.owner, one.login, one.roles.app, one.roles.system):
            await administrator.execute(f"DROP ROLE IF EXISTS {role}")
    await administrator.close()


async def test_two_installations_live_on_one_server_whose_owners_may_not_create_roles(
    installations: list[Installation], settings: Settings, tmp_path: Path
) -> None:
    for one in installations:
        ran = one.make(tmp_path)
        assert ran.returncode == 0, ran.stderr
        assert one.make(tmp_path).returncode == 0, "it may be run again"
        await migrations.upgrade(one.owner_url, one.roles)
    for one in installations:
        own = one.settings(settings)
        async with open_service(own, one.login_url) as service:
            await seed_scheme(service, SCHEME, OPERATOR, PASSWORD)
        # The login owns nothing, and serves.
        async with ready_service(own, one.login_url) as service:
            async with service.db.tenant(None) as tx:
                assert await tx.fetchval("SELECT current_user") == one.roles.app
                assert await tx.fetchval("SELECT count(*) FROM app_user") == 1
            async with service.db.system_reads() as reads:
                assert await reads.fetchval("SELECT current_user") == one.roles.system
        assert {finding.code for finding in await look_at_database(own, one.login_url)} >= {"schema", "scheme"}


async def test_the_owner_cannot_become_the_roles_of_another_installation(
    installations: list[Installation], tmp_path: Path
) -> None:
    first, second = installations
    assert first.make(tmp_path).returncode == second.make(tmp_path).returncode == 0
    with pytest.raises(NotMigrated, match=r"(permission|admin option).*what `merchant database roles` prints"):
        await migrations.upgrade(second.owner_url, first.roles)


async def test_an_owner_who_may_not_create_roles_is_told_whom_to_ask(
    installations: list[Installation], tmp_path: Path
) -> None:
    one = installations[0]
    assert one.make(tmp_path).returncode == 0
    unmade = Roles(f"{one.roles.app}_x", f"{one.roles.system}_x")
    with pytest.raises(NotMigrated, match=r"permission denied to create role.*what `merchant database roles` prints"):
        await migrations.upgrade(one.owner_url, unmade)


async def test_a_login_without_any_rights_is_told_so_in_a_sentence(
    installations: list[Installation], tmp_path: Path
) -> None:
    one = installations[0]
    assert one.make(tmp_path).returncode == 0
    await migrations.upgrade(one.owner_url, one.roles)
    with pytest.raises(migrations.NoDatabase, match=r"permission denied|does not exist"):
        await migrations.read_schema(one.login_url, Roles("nobody", "nobody"))


@pytest.mark.parametrize("name", ["Robert'); DROP TABLE students;--", "", "Ab", "pg_x", "a" * 64, "a b"])
def test_a_name_that_could_be_anything_else_is_refused(name: str) -> None:
    with pytest.raises(BadRoleName, match="small letters"):
        script("merchant", "owner", "login", name, "system")


def test_the_four_roles_are_four() -> None:
    with pytest.raises(BadRoleName, match="four different names"):
        script("merchant", "owner", "owner", "app", "system")
