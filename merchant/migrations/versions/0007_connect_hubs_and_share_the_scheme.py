"""Add a hub's base URLs by resource, what is known of a request's look-up, and the scheme's proposed change."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    "ALTER TABLE dfsp ADD COLUMN hub_urls jsonb NOT NULL DEFAULT '{}', ADD COLUMN version integer NOT NULL DEFAULT 1",
    "ALTER TABLE payment_request ADD COLUMN looked_up_at timestamptz, ADD COLUMN hub_trouble varchar",
    """
    ALTER TABLE scheme ADD COLUMN qr_domains_accepted text[] NOT NULL DEFAULT '{}',
        ADD COLUMN proposed jsonb, ADD COLUMN proposed_by uuid, ADD COLUMN proposed_at timestamptz
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
