"""Keep the trace that a job belongs to, and find the dead jobs without looking at the living."""

from alembic import op

revision = "0005"
down_revision = "0004"

ADD_TRACEPARENT = "ALTER TABLE outbox ADD COLUMN IF NOT EXISTS traceparent varchar"
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('outbox_dead') AND NOT indisvalid) THEN
            DROP INDEX outbox_dead;
        END IF;
    END $$
"""
CREATE = "CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_dead ON outbox (id) WHERE dead_at IS NOT NULL"


def upgrade() -> None:
    op.execute(ADD_TRACEPARENT)
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: jobs are written and claimed while the index is built.
    with op.get_context().autocommit_block():
        op.execute(CREATE)
