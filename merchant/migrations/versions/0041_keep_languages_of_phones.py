"""Keep the language of a phone apart from its sessions, which are forgotten after a day; write no index at a step."""

from alembic import op

revision = "0041"
down_revision = "0039"

STATEMENTS = (
    """
    CREATE TABLE ussd_phone (
        msisdn_digest bytea PRIMARY KEY,
        language varchar NOT NULL,
        noted_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ussd_phone_noted ON ussd_phone (noted_at)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ussd_phone TO merchant_system",
    "CREATE INDEX ussd_session_of_phone ON ussd_session (msisdn_digest, touched_at)",
    "DROP INDEX ix_ussd_session_msisdn_digest",
    # Room in each page for the next state of its rows: then an update leaves the indexes alone.
    "ALTER TABLE ussd_session SET (fillfactor = 60)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
