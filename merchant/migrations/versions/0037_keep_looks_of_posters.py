"""Keep the look that a print run was ordered in."""

from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.execute("ALTER TABLE poster_batch ADD COLUMN look jsonb NOT NULL DEFAULT '{}'")
