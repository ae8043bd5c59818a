"""Find any payment by what a person knows of it; say what a hub message is about, and keep refusals and questions."""

from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = (
    "ALTER TABLE payment ADD COLUMN IF NOT EXISTS payer_digest bytea",
    "ALTER TABLE quote ADD COLUMN IF NOT EXISTS payer_digest bytea",
    # An id of the hub's, or the digest of a payer: messages themselves are sealed.
    "ALTER TABLE inbox ADD COLUMN IF NOT EXISTS about varchar",
    """
    CREATE TABLE IF NOT EXISTS sent_message (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        about varchar NOT NULL,
        sealed bytea NOT NULL,
        sent_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS ix_sent_message_dfsp_id ON sent_message (dfsp_id)",
    "CREATE INDEX IF NOT EXISTS ix_sent_message_about ON sent_message (about)",
    "CREATE INDEX IF NOT EXISTS ix_sent_message_sent_at ON sent_message (sent_at)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON sent_message TO merchant_app, merchant_system",
)
# The rule of every tenant's table, as 0001 has it.
WALL = """
    DO $$
    DECLARE
        rule CONSTANT text := $rule$
            dfsp_id = CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                           ELSE current_setting('app.dfsp_id', true)::uuid END
            OR current_setting('app.dfsp_id', true) = 'hub'
        $rule$;
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_policies WHERE tablename = 'sent_message') THEN
            ALTER TABLE sent_message ENABLE ROW LEVEL SECURITY;
            CREATE POLICY service ON sent_message TO merchant_system USING (true) WITH CHECK (true);
            EXECUTE format(
                'CREATE POLICY tenant ON sent_message TO merchant_app USING (%s) WITH CHECK (%s)', rule, rule
            );
        END IF;
    END $$
"""
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    DECLARE
        unfinished text;
    BEGIN
        FOREACH unfinished IN ARRAY ARRAY[
            'payment_of_payer', 'payment_of_request', 'payment_of_transaction', 'payment_of_amount',
            'payment_of_merchant_amount', 'payment_request_of_amount', 'payment_request_of_merchant_amount',
            'payment_request_short_ref', 'inbox_about'
        ] LOOP
            IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(unfinished) AND NOT indisvalid) THEN
                EXECUTE format('DROP INDEX %I', unfinished);
            END IF;
        END LOOP;
    END $$
"""
INDEXES = (
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_of_payer ON payment (payer_digest) WHERE payer_digest IS NOT NULL
    """,
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_of_request ON payment (request_id) WHERE request_id IS NOT NULL
    """,
    # A request has the transaction of its payment, and an index on it.
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_of_transaction ON payment (transaction_id) WHERE request_id IS NULL
    """,
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_of_amount ON payment (dfsp_id, amount_minor, id)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_of_merchant_amount ON payment (merchant_id, amount_minor, id)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_request_of_amount ON payment_request (dfsp_id, amount_minor, id)",
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_request_of_merchant_amount
        ON payment_request (merchant_id, amount_minor, id)
    """,
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_request_short_ref ON payment_request (short_ref)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS inbox_about ON inbox (about) WHERE about IS NOT NULL",
)


def upgrade() -> None:
    for statement in (*TABLES, WALL, DROP_UNFINISHED):
        op.execute(statement)
    # Outside a transaction: all of these tables are in use.
    with op.get_context().autocommit_block():
        for index in INDEXES:
            op.execute(index)
