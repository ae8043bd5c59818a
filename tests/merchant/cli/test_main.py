"""The `merchant` command: quick to explain itself, and what only its operator can solve ends it with one sentence."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from merchant.cli.main import cli
from merchant.core import postgres
from merchant.core.errors import OperatorProblem
from merchant.core.settings import BadSettings
from merchant.programs.runtime import NothingInstalled
from merchant.programs.seed import AlreadySeeded, BadScheme
from tests.builders import SECRET_KEY

SEED = (
    "seed",
    "--name",
    "Test scheme",
    "--email",
    "operator@hub.example",
    "--domain",
    "pay.example",
    "--country",
    "KE",
    "--currency",
    "KES",
    "--time-zone",
    "Africa/Nairobi",
)
# What costs most of a second to import, and nothing of which --help needs.
DEAR = {"alembic", "cryptography", "granian", "litestar", "pycountry", "sqlalchemy"}


@pytest.fixture
def free_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def merchant(*arguments: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with no other settings than these."""
    environment = {"MERCHANT_DATA_DIR": str(data), **{f"MERCHANT_{name}": value for name, value in settings.items()}}
    return subprocess.run(
        [sys.executable, "-m", "merchant", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_imports_nothing_dear() -> None:
    code = "import sys, merchant.__main__ as m\ntry: m.main()\nfinally: print(*sys.modules, file=sys.stderr)"
    told = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("Usage: merchant [OPTIONS] COMMAND")
    assert not DEAR & set(told.stderr.split())


@pytest.mark.parametrize("command", sorted(cli.commands))  # type: ignore[attr-defined]
def test_every_command_explains_itself(command: str) -> None:
    told = CliRunner().invoke(cli, [command, "--help"])
    assert told.exit_code == 0
    assert re.search(r"^  [A-Z](?s:.+?)\.\n", told.output, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (["migrate"], {"PORT": "eighty"}, r"MERCHANT_PORT must be a whole number from 1 to 65535, not 'eighty'\."),
        (
            ["migrate"],
            {"DATABASE_URL": "no:pw"},
            r"MERCHANT_DATABASE_URL must be \S+, not what it is set to\.",
        ),
        (["migrate"], {"DATABASE_URL": "postgresql://a@b:c/d"}, r"The database .* cannot be used: .+"),
        (["worker"], {"SECRET_KEY": "hunter2"}, r"MERCHANT_SECRET_KEY must be id:base64-.*, not what it is set to\."),
        (["migrate"], {"DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}, r"The database .* cannot be used: .*refused"),
        (["worker"], {"DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}, r"The database .* cannot be used: .*refused"),
    ],
)
def test_a_wrong_setting_ends_in_one_sentence(
    arguments: list[str], settings: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    ended = merchant(*arguments, data=tmp_path, **settings)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(f"merchant: {sentence}\n", ended.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve"],
        ["worker"],
        ["audit", "verify"],
        ["outbox", "list"],
        ["rotate-keys"],
        ["backup", "x.tar"],
        ["reconcile"],
    ],
)
def test_where_nothing_is_installed_a_command_says_so_and_writes_nothing(arguments: list[str], tmp_path: Path) -> None:
    environment = {"MERCHANT_DATA_DIR": str(tmp_path / "none"), "MERCHANT_DATABASE_URL": "", "MERCHANT_SECRET_KEY": ""}
    ended = CliRunner().invoke(cli, arguments, env=environment)
    assert isinstance(ended.exception, NothingInstalled)
    assert f"Nothing is installed in {tmp_path / 'none'}: run `merchant seed`" in str(ended.exception)
    assert not list(tmp_path.iterdir())


def test_a_check_where_nothing_is_installed_says_so_as_json_and_writes_nothing(tmp_path: Path) -> None:
    ended = merchant("check", "--json", data=tmp_path / "none")
    assert (ended.returncode, ended.stderr) == (1, "")
    codes = {finding["code"] for finding in json.loads(ended.stdout) if finding["severity"] == "error"}
    assert codes == {"no_secret_key", "nothing_installed"}
    assert not list(tmp_path.iterdir())


def test_a_check_tells_every_wrong_setting_and_other_commands_refuse_them(tmp_path: Path) -> None:
    wrong = {"MERCHANT_PORT": "99999", "MERCHANT_PROT": "1", "MERCHANT_DATA_DIR": str(tmp_path)}
    checked = CliRunner().invoke(cli, ["check"], env=wrong)
    assert checked.exit_code == 1
    assert "MERCHANT_PORT must be a whole number from 1 to 65535" in checked.output
    assert "MERCHANT_PROT is no setting; did you mean MERCHANT_PORT?" in checked.output
    assert isinstance(CliRunner().invoke(cli, ["serve"], env=wrong).exception, BadSettings)


@pytest.mark.parametrize("option", ["--domain=http://pay.hub.ke/", "--ussd-code=384", "--email=nonsense"])
def test_a_wrong_fact_of_a_new_scheme_is_told_before_anything_is_made(option: str, tmp_path: Path) -> None:
    environment = {"MERCHANT_DATA_DIR": str(tmp_path / "none"), "MERCHANT_SEED_PASSWORD": "correct horse battery"}
    ended = CliRunner().invoke(cli, [*SEED, option], env=environment)
    assert isinstance(ended.exception, BadScheme)
    assert not list(tmp_path.iterdir())


def test_the_roles_script_takes_its_names_from_settings() -> None:
    told = CliRunner().invoke(cli, ["database", "roles"], env={"MERCHANT_DATABASE_APP_ROLE": "staging_app"})
    assert told.exit_code == 0
    assert "GRANT staging_app, merchant_system TO merchant_owner" in told.output


def test_a_new_key_and_the_end_of_the_old_one_are_two_steps() -> None:
    ended = CliRunner().invoke(cli, ["rotate-keys", "--new", "--drop-old"])
    assert ended.exit_code == 2
    assert "two steps" in ended.output


@pytest.mark.database
async def test_a_wrong_password_is_told_without_the_password(postgres_server: postgres.Running, tmp_path: Path) -> None:
    user, _, place = postgres_server.url("postgres").partition("@")
    scheme_and_user = user.rpartition(":")[0]
    ended = merchant("migrate", data=tmp_path, DATABASE_URL=f"{scheme_and_user}:not-the-password@{place}")
    assert ended.returncode == 1
    assert re.fullmatch(r"merchant: The database .* cannot be used: password authentication .*\n", ended.stderr)
    assert "not-the-password" not in ended.stderr


@pytest.mark.database
async def test_a_taken_port_ends_in_one_sentence(database_url: str, free_port: int, tmp_path: Path) -> None:
    ended = merchant("serve", data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY, PORT=str(free_port))
    assert ended.returncode == 1
    assert f"merchant: Port {free_port} on 127.0.0.1 is taken" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.database
async def test_a_database_is_set_up_once(database_url: str, tmp_path: Path) -> None:
    ended = merchant(
        *SEED, data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY, SEED_PASSWORD="correct horse battery"
    )
    assert (ended.returncode, ended.stderr) == (1, "merchant: This database is set up already.\n")


def test_what_an_operator_solves_is_of_one_kind() -> None:
    from merchant import migrations
    from merchant.core import db, secret_key, service, vault
    from merchant.programs import backup, reconciling, restore, rotation, runtime

    kinds = {
        db.UnsafePooler,
        db.UnsafeRole,
        backup.BadBackup,
        migrations.NoDatabase,
        migrations.NotMigrated,
        migrations.SchemaAhead,
        migrations.SchemaBehind,
        migrations.TablesInUse,
        postgres.clients.ClientFailed,
        postgres.clients.NoClients,
        reconciling.BadReport,
        restore.NotEmpty,
        rotation.ProgramsRun,
        rotation.StillInUse,
        runtime.BadHost,
        runtime.NothingInstalled,
        secret_key.KeysNotInFile,
        secret_key.NoSecretKey,
        secret_key.TooSoon,
        postgres.NoPostgres,
        postgres.StartFailed,
        runtime.PortTaken,
        service.NoScheme,
        vault.BadSecretKey,
        AlreadySeeded,
        BadScheme,
    }
    assert all(issubclass(kind, OperatorProblem) for kind in kinds)
