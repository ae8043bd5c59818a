"""Hold aliases apart in any case, also where 0001 ran before it said so: it was edited after 0002 had landed."""

from alembic import op

revision = "0004"
down_revision = "0003"

# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass('alias_claim_any_case') AND NOT indisvalid
        ) THEN
            DROP INDEX alias_claim_any_case;
        END IF;
    END $$
"""
CREATE = """
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS alias_claim_any_case ON alias_claim (alias_type, lower(alias))
"""


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: those who claim numbers go on while the index is built.
    with op.get_context().autocommit_block():
        op.execute(CREATE)
