"""Keep where an operator's own centre is and how we bind there: USSD over SMPP."""

from alembic import op

revision = "0046"
down_revision = "0045"

STATEMENTS = (
    "ALTER TABLE ussd_route ADD COLUMN smsc_url varchar",
    "ALTER TABLE ussd_route ADD COLUMN system_id varchar",
    "ALTER TABLE ussd_route ADD COLUMN password_sealed bytea",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
