"""Create every table, the roles, their rights and the row-level security: a file of SQL for each story."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

STORIES = ("roles", "scheme", "registry", "people", "payments", "notify", "machinery", "access")


def upgrade() -> None:
    for story in STORIES:
        text = Path(__file__).with_suffix("").joinpath(f"{story}.sql").read_text()
        # A statement ends with its line. PostgreSQL takes one at a time.
        for statement in text.split(";\n\n"):
            op.execute(statement)
