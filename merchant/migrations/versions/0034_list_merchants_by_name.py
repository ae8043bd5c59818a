"""List merchants by name, a page after another, without sorting all of a DFSP's."""

from alembic import op

revision = "0034"
down_revision = "0033"

# Behind row-level security, PostgreSQL looks up no function of a column in an index that it does not trust to keep a
# secret, lower() among them. So this view has the owner's rights and the rule of the wall in its own condition, as
# merchant_findable has (0015): a tenant sees its rows through it and no others, and the index serves it.
VIEW = (
    """
    CREATE OR REPLACE VIEW merchant_by_name AS
    SELECT id, dfsp_id, lower(trading_name) AS name, trading_name, legal_name, state, tier, mcc, risk, created_at
    FROM merchant
    WHERE dfsp_id = (SELECT CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                                 ELSE current_setting('app.dfsp_id', true)::uuid END)
       OR (SELECT current_setting('app.dfsp_id', true) = 'hub')
    """,
    "REVOKE ALL ON merchant_by_name FROM merchant_system, merchant_app",
    "GRANT SELECT ON merchant_by_name TO merchant_app",
)
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('merchant_of_name') AND NOT indisvalid) THEN
            DROP INDEX merchant_of_name;
        END IF;
    END $$
"""
INDEX = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_of_name ON merchant (dfsp_id, lower(trading_name), id)
"""


def upgrade() -> None:
    for statement in (*VIEW, DROP_UNFINISHED):
        op.execute(statement)
    # Outside a transaction: the table is in use.
    with op.get_context().autocommit_block():
        op.execute(INDEX)
