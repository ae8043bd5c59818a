"""Migrations are history: one line, each frozen once it has landed."""

import hashlib
from pathlib import Path

from alembic.script import ScriptDirectory

from merchant import migrations
from tests.rules.source_rules import ROOT

VERSIONS = ROOT / "merchant/migrations/versions"
FROZEN = ROOT / "tests/migrations/frozen.txt"


def _revisions() -> list[str]:
    """Oldest first."""
    script = ScriptDirectory.from_config(migrations.config())
    return [revision.revision for revision in script.walk_revisions()][::-1]


def test_migrations_are_one_line_and_numbered_in_order() -> None:
    script = ScriptDirectory.from_config(migrations.config())
    assert _revisions() == [f"{number:04}" for number in range(1, len(_revisions()) + 1)]
    for revision in script.walk_revisions():
        assert Path(revision.path).name.startswith(f"{revision.revision}_")
        assert revision.doc


def test_the_newest_by_file_names_is_the_newest_by_the_graph() -> None:
    assert migrations.newest() == ScriptDirectory.from_config(migrations.config()).get_current_head()


def test_no_migration_goes_back() -> None:
    assert not [file.name for file in VERSIONS.glob("*.py") if "def downgrade" in file.read_text()]


def test_a_migration_that_landed_is_never_edited() -> None:
    frozen = dict(line.split("  ")[::-1] for line in FROZEN.read_text().splitlines())
    present = {
        file.relative_to(VERSIONS).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(VERSIONS.rglob("*"))
        if file.suffix in (".py", ".sql")
    }
    edited = [name for name, digest in frozen.items() if present.get(name) != digest]
    assert not edited, f"Databases exist that ran these as they were; write a new migration instead: {edited}"
    new = [f"{digest}  {name}" for name, digest in present.items() if name not in frozen]
    assert not new, "\n".join(["Once it is ready to land, add to tests/migrations/frozen.txt:", *new])
