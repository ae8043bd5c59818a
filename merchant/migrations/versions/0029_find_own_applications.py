"""Find the applications that a person wrote without reading a DFSP's whole table."""

from alembic import op

revision = "0029"
down_revision = "0028"

# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    BEGIN
        IF EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass('application_of_maker') AND NOT indisvalid
        ) THEN
            DROP INDEX application_of_maker;
        END IF;
    END $$
"""
INDEX = "CREATE INDEX CONCURRENTLY IF NOT EXISTS application_of_maker ON application USING gin (makers)"


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: the table is in use.
    with op.get_context().autocommit_block():
        op.execute(INDEX)
