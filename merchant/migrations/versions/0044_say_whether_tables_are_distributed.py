"""Say whether an installation's tables lie on several machines."""

from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.execute("ALTER TABLE installation ADD COLUMN IF NOT EXISTS distributed_at timestamptz")
