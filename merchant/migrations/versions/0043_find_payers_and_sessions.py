"""Find the payers that are to be forgotten, and the sessions of a phone, while their tables are in use."""

from alembic import op

revision = "0043"
down_revision = "0042"

# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    DECLARE
        unfinished text;
    BEGIN
        FOR unfinished IN SELECT indexrelid::regclass FROM pg_index
            WHERE indexrelid IN (to_regclass('payment_payer_kept'), to_regclass('ussd_session_of_phone'))
                AND NOT indisvalid
        LOOP
            EXECUTE format('DROP INDEX %s', unfinished);
        END LOOP;
    END $$
"""
INDEXES = (
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_payer_kept ON payment (received_at) WHERE payer_sealed IS NOT NULL
    """,
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS ussd_session_of_phone ON ussd_session (msisdn_digest, touched_at)",
    "DROP INDEX CONCURRENTLY IF EXISTS ix_ussd_session_msisdn_digest",
)


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: the tables are in use.
    with op.get_context().autocommit_block():
        for statement in INDEXES:
            op.execute(statement)
