"""The recipes of docs/recover.md are what the scripts rehearse, and a script that cannot run says what it needs."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.operations import backup_restore, failover, installation, rolling_upgrade
from tests.operations.installation import CHECKOUT, MISSING, needs
from tests.operations.report import Report

DOCUMENT = (CHECKOUT / "docs" / "recover.md").read_text()
SCRIPTS = {one.__name__: Path(str(one.__file__)).read_text() for one in (backup_restore, failover, rolling_upgrade)}
# Lines of settings, which are nothing else: `name = value`, `name: value`, haproxy's words.
SETTING = re.compile(
    r"^    ((?:[a-z_]+: \S+|[a-z_]+ = [^'$\n]+|[a-z0-9-]+=\S+|(?:option|retr|default-server)[^\n]*))$", re.M
)


def settings() -> list[str]:
    """Every setting that the document names, but for paths of the reader's own machine."""
    return [line for line in SETTING.findall(DOCUMENT) if "/var/" not in line]


def test_the_document_names_settings() -> None:
    assert len(settings()) >= 18


@pytest.mark.parametrize("line", settings())
def test_a_setting_of_the_document_is_rehearsed_as_it_stands_there(line: str) -> None:
    name, _, value = re.split(r"( ?[:=] ?)", line, maxsplit=1) if re.match(r"[\w-]+ ?[:=]", line) else (line, "", "")
    written = re.compile(re.escape(name) + (r" ?[:=] ?" + re.escape(value) if value else ""))
    assert any(written.search(text) for text in SCRIPTS.values()), line


@pytest.mark.parametrize("module", re.findall(r"`tests\.operations\.(\w+)", DOCUMENT))
def test_every_script_that_the_document_names_is_there(module: str) -> None:
    assert f"tests.operations.{module}" in SCRIPTS


@pytest.mark.parametrize("kind", re.findall(r"--kind (\w+)", DOCUMENT))
def test_every_rehearsal_that_the_document_names_is_there(kind: str) -> None:
    assert kind in backup_restore.KINDS


@pytest.mark.parametrize("script", [backup_restore, failover, rolling_upgrade])
def test_help_says_what_a_script_does_without_starting_anything(script: object) -> None:
    told = CliRunner().invoke(script.main, ["--help"])  # type: ignore[attr-defined]
    assert told.exit_code == 0 and "xit status 1" in told.output


def test_a_script_whose_programs_are_missing_names_their_packages_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(SystemExit) as ended:
        needs("patroni", "etcd")
    assert ended.value.code == MISSING
    assert "apt-get install --no-install-recommends patroni etcd-server python3-etcd" in capsys.readouterr().out


def test_a_broken_promise_is_named_and_ends_a_script_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("title")
    with pytest.raises(SystemExit) as ended, installation.rehearsal(report) as machine:
        report.promise("nothing lost", 1, kept=False)
    assert ended.value.code == 1
    assert "BROKEN: nothing lost" in capsys.readouterr().out
    assert machine.folder.exists(), "with the programs' words"
    shutil.rmtree(machine.folder)


def test_kept_promises_leave_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("title")
    with installation.rehearsal(report) as machine:
        report.promise("nothing lost", 0, kept=True)
        report.check("books", lambda: None)
    assert "every promise was kept" in capsys.readouterr().out
    assert not machine.folder.exists()


def test_a_comparison_that_fails_is_a_broken_promise_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    def differs() -> None:
        assert not 1, "one too many"

    report = Report("title")
    report.check("books", differs)
    assert report.broken == ["books"]
    assert "differs, assert not 1" in capsys.readouterr().out


def test_a_script_that_is_ended_from_outside_leaves_no_program_behind(capsys: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="SIGTERM"), installation.rehearsal(Report("title")) as machine:
        started = machine.start("sleeper", ["sleep", 600])
        os.kill(os.getpid(), signal.SIGTERM)
    assert started.poll() is not None
    assert "it did not come to its end" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) == handler
    shutil.rmtree(machine.folder)
