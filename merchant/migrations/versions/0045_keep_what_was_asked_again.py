"""Keep which request took the place of one that was asked again, so that nobody is asked twice for the same money."""

from alembic import op

revision = "0045"
down_revision = "0043"

STATEMENTS = ("ALTER TABLE payment_request ADD COLUMN successor_id uuid",)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
