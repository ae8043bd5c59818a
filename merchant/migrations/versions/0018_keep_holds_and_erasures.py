"""Keep legal holds and erasures, and say of an application when it was erased."""

from alembic import op

revision = "0018"
down_revision = "0017"

TABLES = (
    """
    CREATE TABLE legal_hold (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        application_id uuid NOT NULL REFERENCES application (id),
        placed_by uuid NOT NULL,
        placed_at timestamptz NOT NULL,
        lifted_by uuid,
        lifted_at timestamptz
    )
    """,
    "CREATE INDEX ix_legal_hold_dfsp_id ON legal_hold (dfsp_id)",
    "CREATE UNIQUE INDEX legal_hold_standing ON legal_hold (application_id) WHERE lifted_at IS NULL",
    """
    CREATE TABLE erasure (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        application_id uuid NOT NULL REFERENCES application (id),
        merchant_id uuid REFERENCES merchant (id),
        why varchar NOT NULL,
        requested_by uuid NOT NULL,
        requested_at timestamptz NOT NULL,
        confirmed_by uuid,
        erased_at timestamptz
    )
    """,
    "CREATE INDEX ix_erasure_dfsp_id ON erasure (dfsp_id)",
    "CREATE UNIQUE INDEX erasure_of_application ON erasure (application_id)",
    "CREATE INDEX erasure_of_merchant ON erasure (merchant_id)",
)
GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON legal_hold, erasure TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON legal_hold TO merchant_app",
    # What was erased stays told.
    "GRANT SELECT, INSERT ON erasure TO merchant_app",
)
# The rule of every tenant's table, as 0001 has it.
WALL = """
    DO $$
    DECLARE
        walled text;
        rule CONSTANT text := $rule$
            dfsp_id = CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                           ELSE current_setting('app.dfsp_id', true)::uuid END
            OR current_setting('app.dfsp_id', true) = 'hub'
        $rule$;
    BEGIN
        FOREACH walled IN ARRAY ARRAY['legal_hold', 'erasure'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""
COLUMNS = ("ALTER TABLE application ADD COLUMN erased_at timestamptz",)


def upgrade() -> None:
    for statement in (*TABLES, *GRANTS, WALL, *COLUMNS):
        op.execute(statement)
