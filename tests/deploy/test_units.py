"""The units of systemd: understood by it, walled in, and of one mind with the program and the sample of settings."""

import re
from pathlib import Path

import pytest

from merchant.cli.main import cli
from merchant.programs.runtime import MAX_CONNECTIONS
from tests.deploy.tools import DEPLOY, needs, run

UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAM = "/opt/merchant/bin/merchant"
EXPOSURE_MAX = "20"  # of 100: systemd's own "OK" ends at 50, a service without walls has 96
needs_analyze = needs("systemd-analyze", "systemd")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The units, as on a machine where the program is installed."""
    program = tmp_path / "merchant"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, str(program)))
    return tmp_path


def test_web_worker_and_backup_have_units() -> None:
    assert [unit.name for unit in UNITS] == [
        "merchant-backup.service",
        "merchant-backup.timer",
        "merchant-worker.service",
        "merchant.service",
    ]


@needs_analyze
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path, folder: Path) -> None:
    ended = run("systemd-analyze", "verify", folder / unit.name)
    complaints = [line for line in ended.stderr.splitlines() if str(folder) in line or unit.name in line]
    assert complaints == []


@needs_analyze
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_is_walled_in(unit: Path, folder: Path) -> None:
    ended = run(
        "systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={EXPOSURE_MAX}", folder / unit.name
    )
    if "unrecognized option" in ended.stderr:
        pytest.skip("this systemd cannot judge a unit that is not loaded (252 can)")
    assert ended.returncode == 0, ended.stdout[-500:]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_what_a_unit_runs_is_a_command_of_ours_with_its_options(unit: Path) -> None:
    for words in re.findall(rf"{PROGRAM} ([a-z-]+(?: --[a-z-]+)*)", unit.read_text()):
        name, *options = words.split()
        command = cli.commands[name]  # type: ignore[attr-defined]
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert set(options) <= known


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_runs_as_its_own_user_on_its_settings(unit: Path) -> None:
    text = unit.read_text()
    assert "User=merchant\n" in text and "EnvironmentFile=/etc/merchant/merchant.env\n" in text
    assert "UMask=0077\n" in text


def test_only_the_backup_has_the_owners_login() -> None:
    owners = [unit.name for unit in SERVICES if "owner.env" in unit.read_text()]
    assert owners == ["merchant-backup.service"]
    backup = (DEPLOY / "systemd" / "merchant-backup.service").read_text()
    assert backup.index("merchant.env\n") < backup.index("owner.env\n")  # the later file counts


def test_as_many_files_may_be_open_as_connections_are_taken() -> None:
    web = (DEPLOY / "systemd" / "merchant.service").read_text()
    assert int(re.findall(r"^LimitNOFILE=(\d+)$", web, re.MULTILINE)[0]) >= MAX_CONNECTIONS + 512
