"""Find the shops of a phone that dials, without reading every merchant."""

from alembic import op

revision = "0042"
down_revision = "0041"

# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('merchant_of_phone') AND NOT indisvalid) THEN
            DROP INDEX merchant_of_phone;
        END IF;
    END $$
"""
INDEX = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_of_phone ON merchant (phone_digest)
        WHERE phone_digest IS NOT NULL
"""


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: the table is in use.
    with op.get_context().autocommit_block():
        op.execute(INDEX)
