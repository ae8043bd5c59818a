"""Keep when each worker was last known to run, and find the requests in doubt without looking at all others."""

from alembic import op

revision = "0011"
down_revision = "0010"

TABLE = """
    CREATE TABLE IF NOT EXISTS worker_heartbeat (
        id uuid NOT NULL,
        host varchar NOT NULL,
        pid integer NOT NULL,
        version varchar NOT NULL,
        clock_skew_s double precision NOT NULL,
        started_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        PRIMARY KEY (id)
    )
"""
GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE ON worker_heartbeat TO merchant_system"
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass('payment_request_in_doubt') AND NOT indisvalid
        ) THEN
            DROP INDEX payment_request_in_doubt;
        END IF;
    END $$
"""
CREATE = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_request_in_doubt ON payment_request (id) WHERE state = 'in_doubt'
"""


def upgrade() -> None:
    for statement in (TABLE, GRANT, DROP_UNFINISHED):
        op.execute(statement)
    # Outside a transaction: requests are written while the index is built.
    with op.get_context().autocommit_block():
        op.execute(CREATE)
