"""Keep the bands of risk that people set by hand, and the day on which a merchant's risk was last computed."""

from alembic import op

revision = "0017"
down_revision = "0016"

STATEMENTS = (
    """
    CREATE TABLE risk_override (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        application_id uuid REFERENCES application (id),
        merchant_id uuid REFERENCES merchant (id),
        band varchar NOT NULL,
        lowers boolean NOT NULL,
        reason_sealed bytea NOT NULL,
        by_id uuid NOT NULL,
        confirmed_by uuid,
        until date,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_risk_override_dfsp_id ON risk_override (dfsp_id)",
    "CREATE INDEX risk_override_of_application ON risk_override (application_id)",
    "CREATE INDEX risk_override_of_merchant ON risk_override (merchant_id)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON risk_override TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON risk_override TO merchant_app",
    "ALTER TABLE merchant ADD COLUMN risk_on date",
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
        FOREACH walled IN ARRAY ARRAY['risk_override'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""


def upgrade() -> None:
    for statement in (*STATEMENTS, WALL):
        op.execute(statement)
