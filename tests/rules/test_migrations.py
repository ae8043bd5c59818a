"""Migrations are history: one line, each frozen once it has landed, and new ones lock nothing for long."""

import hashlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from merchant import migrations
from tests.rules.source_rules import ROOT

VERSIONS = ROOT / "merchant/migrations/versions"
FROZEN = ROOT / "tests/migrations/frozen.txt"
# Landed before there was a linter.
NOT_LINTED = "0003"
SQUAWK = Path(sys.executable).parent / "squawk"
LINT = (
    "--pg-version=15",
    "--reporter=gcc",
    # Money is bigint (columns.minor_units); versions, attempts and steps are few.
    "--exclude=prefer-bigint-over-int",
)


def _revisions() -> list[str]:
    """Oldest first."""
    script = ScriptDirectory.from_config(migrations.config())
    return [revision.revision for revision in script.walk_revisions()][::-1]


def _sql(since: str) -> str:
    """What alembic would run after a revision."""
    alembic, printed = migrations.config(), io.StringIO()
    alembic.output_buffer = printed
    command.upgrade(alembic, f"{since}:head", sql=True)
    return printed.getvalue()


def _lint(sql: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SQUAWK, *LINT], input=sql, capture_output=True, text=True, timeout=60)


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


def test_new_migrations_lock_nothing_for_long() -> None:
    found = _lint(_sql(NOT_LINTED))
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("harmful", "rule"),
    [
        ("CREATE INDEX payment_day ON payment (received_at)", "require-concurrent-index-creation"),
        ("ALTER TABLE payment ALTER COLUMN note SET NOT NULL", "adding-not-nullable-field"),
        ("ALTER TABLE payment ALTER COLUMN note TYPE integer", "changing-column-type"),
        ("ALTER TABLE payment DROP COLUMN note", "ban-drop-column"),
        ("ALTER TABLE payment RENAME COLUMN note TO remark", "renaming-column"),
        (
            "ALTER TABLE payment ADD CONSTRAINT one FOREIGN KEY (counter_id) REFERENCES counter (id)",
            "adding-foreign-key-constraint",
        ),
    ],
)
def test_the_linter_finds_what_would_lock_or_break_unless_it_is_allowed_by_name(harmful: str, rule: str) -> None:
    before = _sql(NOT_LINTED)
    found = _lint(f"{before}BEGIN;\n{harmful};\nCOMMIT;")
    assert (found.returncode, rule in found.stdout) == (1, True), found.stdout
    names = ", ".join(set(re.findall(r": warning: ([a-z-]+) ", found.stdout)))
    assert _lint(f"{before}BEGIN;\n-- squawk-ignore {names}\n{harmful};\nCOMMIT;").returncode == 0
