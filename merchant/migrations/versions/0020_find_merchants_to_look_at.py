"""Find merchants whose day has come and those counted together, and hold one open case of a kind for a merchant."""

from alembic import op

revision = "0020"
down_revision = "0019"

# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    DECLARE
        unfinished text;
    BEGIN
        FOREACH unfinished IN ARRAY ARRAY['merchant_to_check', 'merchant_of_group', 'application_open_case'] LOOP
            IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(unfinished) AND NOT indisvalid) THEN
                EXECUTE format('DROP INDEX %I', unfinished);
            END IF;
        END LOOP;
    END $$
"""
INDEXES = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_to_check ON merchant (check_on)",
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_of_group ON merchant (limit_group) WHERE limit_group IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS application_open_case ON application (merchant_id, kind)
        WHERE merchant_id IS NOT NULL AND state::text IN ('draft', 'submitted', 'in_review', 'returned')
    """,
)


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: both tables are in use.
    with op.get_context().autocommit_block():
        for index in INDEXES:
            op.execute(index)
