"""Keep who proposed to enable a DFSP, until a second person of the hub confirms it."""

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.execute("ALTER TABLE dfsp ADD COLUMN proposed_by uuid, ADD COLUMN proposed_at timestamptz")
