"""Keep announced events and the secret before, bind cashiers to counters, and tell which counters merchants added."""

from alembic import op

revision = "0026"
down_revision = "0024"

COLUMNS = (
    # A new column that is null everywhere is not scanned for its foreign key.
    """
    -- squawk-ignore adding-foreign-key-constraint
    ALTER TABLE app_user ADD COLUMN counter_id uuid REFERENCES counter (id)
    """,
    "ALTER TABLE counter ADD COLUMN added_by_merchant boolean NOT NULL DEFAULT false",
    """
    ALTER TABLE webhook_endpoint
        ADD COLUMN old_secret_sealed bytea,
        ADD COLUMN old_secret_until timestamptz
    """,
)
TABLES = (
    """
    CREATE TABLE announced_event (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid,
        event_type varchar NOT NULL,
        body bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX announced_event_listed ON announced_event (dfsp_id, id)",
    "CREATE INDEX announced_event_of_merchant ON announced_event (merchant_id, id)",
    "CREATE INDEX announced_event_at ON announced_event (created_at)",
)
GRANTS = (
    "GRANT SELECT, INSERT ON announced_event TO merchant_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON announced_event TO merchant_system",
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
        ALTER TABLE announced_event ENABLE ROW LEVEL SECURITY;
        CREATE POLICY service ON announced_event TO merchant_system USING (true) WITH CHECK (true);
        EXECUTE format('CREATE POLICY tenant ON announced_event TO merchant_app USING (%s) WITH CHECK (%s)', rule,
                       rule);
    END $$
"""
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass('webhook_delivery_of_event') AND NOT indisvalid
        ) THEN
            DROP INDEX webhook_delivery_of_event;
        END IF;
    END $$
"""
CREATE_INDEX = "CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_delivery_of_event ON webhook_delivery (event_id)"


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    # Outside a transaction: the table is in use.
    with op.get_context().autocommit_block():
        op.execute(CREATE_INDEX)
    for statement in (*COLUMNS, *TABLES, *GRANTS, WALL):
        op.execute(statement)
