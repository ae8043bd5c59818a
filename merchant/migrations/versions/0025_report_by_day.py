"""Find what a DFSP, or one merchant, took and asked for on some days without reading all there ever was."""

from alembic import op

revision = "0025"
down_revision = "0024"

# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    DECLARE
        unfinished text;
    BEGIN
        FOREACH unfinished IN ARRAY ARRAY[
            'payment_by_day', 'payment_of_merchant_by_day',
            'payment_request_by_day', 'payment_request_of_merchant_by_day', 'payment_request_late',
            'application_of_merchant'
        ] LOOP
            IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(unfinished) AND NOT indisvalid) THEN
                EXECUTE format('DROP INDEX %I', unfinished);
            END IF;
        END LOOP;
    END $$
"""
INDEXES = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_by_day ON payment (dfsp_id, received_at)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_of_merchant_by_day ON payment (merchant_id, received_at)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_request_by_day ON payment_request (dfsp_id, created_at)",
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_request_of_merchant_by_day
        ON payment_request (merchant_id, created_at)
    """,
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_request_late ON payment_request (dfsp_id, id) WHERE late",
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS application_of_merchant ON application (merchant_id)
        WHERE merchant_id IS NOT NULL
    """,
)
# Row-level security reads its setting anew for each row, which takes longer than to add the row up. So these views have
# the owner's rights and the rule of the wall in their own condition, as merchant_findable has (0015): a tenant sees its
# rows through them and no others, and the setting is read once a statement, in sub-selects.
VIEWS = tuple(
    statement
    for view, columns, table in (
        (
            "payment_reportable",
            "id, dfsp_id, merchant_id, counter_id, request_id, currency, amount_minor, received_at",
            "payment",
        ),
        (
            "payment_request_reportable",
            "id, dfsp_id, merchant_id, counter_id, state, currency, late, created_at",
            "payment_request",
        ),
    )
    for statement in (
        f"""
        CREATE OR REPLACE VIEW {view} AS
        SELECT {columns} FROM {table}
        WHERE dfsp_id = (SELECT CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                                     ELSE current_setting('app.dfsp_id', true)::uuid END)
           OR (SELECT current_setting('app.dfsp_id', true) = 'hub')
        """,  # noqa: S608 - constants
        f"REVOKE ALL ON {view} FROM merchant_system, merchant_app",
        f"GRANT SELECT ON {view} TO merchant_app",
    )
)


def upgrade() -> None:
    for statement in VIEWS:
        op.execute(statement)
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: both tables are in use.
    with op.get_context().autocommit_block():
        for index in INDEXES:
            op.execute(index)
