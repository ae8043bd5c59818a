"""Find what waits for a decision without reading what was decided."""

from alembic import op

revision = "0030"
down_revision = "0029"

# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('application_waiting') AND NOT indisvalid) THEN
            DROP INDEX application_waiting;
        END IF;
    END $$
"""
INDEX = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS application_waiting ON application (dfsp_id, submitted_at, id)
        WHERE state::text IN ('submitted', 'in_review')
"""


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: the table is in use.
    with op.get_context().autocommit_block():
        op.execute(INDEX)
