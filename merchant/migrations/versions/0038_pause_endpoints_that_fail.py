"""Keep since when an endpoint of webhooks has taken nothing."""

from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.execute("ALTER TABLE webhook_endpoint ADD COLUMN failing_since timestamptz")
