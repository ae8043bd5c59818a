"""Keep which request took the place of one that was asked again; find what was given back on some days."""

from alembic import op

revision = "0045"
down_revision = "0044"

STATEMENTS = (
    "ALTER TABLE payment_request ADD COLUMN IF NOT EXISTS successor_id uuid",
    # What an attempt leaves behind that was given up half-way.
    """
    DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('refund_by_day') AND NOT indisvalid) THEN
            DROP INDEX refund_by_day;
        END IF;
        IF EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass('payment_request_successor') AND NOT indisvalid
        ) THEN
            DROP INDEX payment_request_successor;
        END IF;
    END $$
    """,
)
INDEXES = (
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS refund_by_day ON refund (dfsp_id, refunded_at)
        WHERE refunded_at IS NOT NULL
    """,
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_request_successor ON payment_request (successor_id)
        WHERE successor_id IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    # Outside a transaction: the table is in use.
    with op.get_context().autocommit_block():
        for index in INDEXES:
            op.execute(index)
