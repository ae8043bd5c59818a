"""`merchant policies check` and `presets` need no database; wrong usage ends with what to do."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import kyb
from merchant.cli.main import cli


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["policies", *arguments])


def written(folder: Path, text: str, name: str = "mine.toml") -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("name", kyb.presets())
def test_every_preset_is_sound_and_shown_with_its_limits_and_hash(tmp_path: Path, name: str) -> None:
    ended = run("check", written(tmp_path, kyb.preset(name)))
    assert ended.exit_code == 0
    policy = kyb.load_policy(kyb.preset(name))
    assert ended.output.startswith(f"sound: {policy.policy_version} (unverified)")
    assert f"sha256 {policy.sha256}" in ended.output
    assert f"      {policy.text.unit}: payment " in ended.output


def test_every_fault_is_told_on_a_line_of_its_own(tmp_path: Path) -> None:
    text = 'extends = "generic"\ngrace = "99d"\nabandon = "999d"'
    ended = run("check", written(tmp_path, text))
    assert (ended.exit_code, ended.output.splitlines()) == (1, ["grace: longer than 30d", "abandon: longer than 180d"])


def test_a_layer_is_checked_over_files_and_presets(tmp_path: Path) -> None:
    scheme = written(tmp_path, 'grace = "20d"', "scheme.toml")
    own = written(tmp_path, 'grace = "21d"', "own.toml")
    assert run("check", scheme, "--over", "generic").exit_code == 0
    assert run("check", own, "--over", "generic").exit_code == 0
    ended = run("check", own, "--over", "generic", "--over", scheme)
    assert (ended.exit_code, ended.output) == (1, "grace: longer than 20d\n")
    assert run("check", own).exit_code == 1  # alone it is no whole policy
    assert "no file and no preset ../x" in run("check", own, "--over", "../x").output


def test_presets_are_listed_with_their_sources_and_printed_whole() -> None:
    listed = run("presets").output
    assert all(f"{name}  unverified  " in listed for name in kyb.presets())
    assert "sbp.org.pk" in listed
    assert run("presets", "pk-2025").output == kyb.preset("pk-2025")
    assert run("presets", "pyproject.toml").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("publish", "generic", "--layer", "dfsp"), "needs --dfsp"),
        (("publish", "generic", "--layer", "scheme", "--dfsp", "x"), "goes with --layer dfsp only"),
        (("publish", "nothing.toml"), "no file and no preset"),
        (("publish", "generic", "--effective", "tomorrow"), "does not match"),
        (("withdraw", "x"), "not a valid UUID"),
        (("check", "nothing.toml"), "No such file"),
    ],
)
def test_wrong_usage_is_told(arguments: tuple[str, ...], told: str) -> None:
    ended = run(*arguments)
    assert ended.exit_code != 0
    assert told in ended.output
