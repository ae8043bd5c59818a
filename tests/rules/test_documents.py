"""What the documents promise, checked against the code: settings, commands, targets and dependencies."""

import re
import tomllib

import click
import msgspec

from merchant.cli.main import cli
from merchant.core.settings import PREFIX, Settings
from tests.rules.source_rules import ROOT

README = (ROOT / "README.md").read_text()
PYPROJECT_TEXT = (ROOT / "pyproject.toml").read_text()
PYPROJECT = tomllib.loads(PYPROJECT_TEXT)
LOCK = (ROOT / "requirements.lock").read_text()


def shown(default: object) -> str:
    """A default as the README writes it."""
    text = str(default).lower() if isinstance(default, bool) else str(default).removeprefix(f"{ROOT}/")
    return f"`{text}`" if text else "–"


def test_the_readme_lists_every_setting_with_its_default_and_no_other() -> None:
    rows = re.findall(rf"^\| `({PREFIX}\w+)` \| (.+?) \| .+ \|$", README, re.MULTILINE)
    settings = [(PREFIX + one.name.upper(), shown(one.default)) for one in msgspec.structs.fields(Settings)]
    assert rows == settings


def test_the_readme_lists_every_command_and_no_other() -> None:
    listed = {words.split()[0] for words in re.findall(r"^\| `merchant ([a-z -]+)` \|", README, re.MULTILINE)}
    assert isinstance(cli, click.Group)
    assert listed == set(cli.commands)


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split()
    described = re.findall(r"^([a-z]+):.*## .+$", makefile, re.MULTILINE)
    assert sorted(phony) == sorted(described)


def test_every_dependency_has_its_reason_beside_it() -> None:
    lists = re.findall(r"^(?:dependencies|dev) = \[\n(.+?)^\]", PYPROJECT_TEXT, re.MULTILINE | re.DOTALL)
    lines = [line for block in lists for line in block.splitlines() if line.strip()]
    assert len(lines) == len(PYPROJECT["project"]["dependencies"]) + len(PYPROJECT["dependency-groups"]["dev"])
    assert [line for line in lines if not re.search(r"# \w.{10,}$", line)] == []


def test_the_lock_file_pins_every_dependency_with_hashes() -> None:
    wanted = PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["dev"]
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE))
    names = [re.split(r"[^A-Za-z0-9-]", text)[0].lower() for text in wanted]
    assert [name for name in names if name not in pinned] == []
    assert len(re.findall(r"^[a-z0-9-]+==[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", LOCK, re.MULTILINE)) == len(pinned)


def test_the_lock_file_names_no_index_and_no_place_on_a_disk() -> None:
    assert not re.search(r"https?://|file:|^-|@ ", LOCK, re.MULTILINE)
