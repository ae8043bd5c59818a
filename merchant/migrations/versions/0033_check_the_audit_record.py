"""Keep checks of the audit record, which run in the background: of one DFSP's chain, or the hub's of all."""

from alembic import op

revision = "0033"
down_revision = "0032"

TABLES = (
    """
    CREATE TABLE audit_check (
        id uuid PRIMARY KEY,
        dfsp_id uuid REFERENCES dfsp (id),
        merchant_id uuid REFERENCES merchant (id),
        chain uuid,
        done integer NOT NULL,
        total integer NOT NULL,
        found jsonb NOT NULL,
        position jsonb NOT NULL DEFAULT '{}',
        anchors varchar NOT NULL,
        problem varchar,
        created_at timestamptz NOT NULL,
        finished_at timestamptz
    )
    """,
    "CREATE INDEX ix_audit_check_dfsp_id ON audit_check (dfsp_id)",
)
# No tenant may write what a check found.
GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON audit_check TO merchant_system",
    "GRANT SELECT, INSERT ON audit_check TO merchant_app",
)
# The rule of every tenant's table, as 0001 has it: the hub's checks, of no DFSP, are seen by the hub only.
WALL = """
    DO $$
    DECLARE
        rule CONSTANT text := $rule$
            dfsp_id = CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                           ELSE current_setting('app.dfsp_id', true)::uuid END
            OR current_setting('app.dfsp_id', true) = 'hub'
        $rule$;
    BEGIN
        ALTER TABLE audit_check ENABLE ROW LEVEL SECURITY;
        CREATE POLICY service ON audit_check TO merchant_system USING (true) WITH CHECK (true);
        EXECUTE format('CREATE POLICY tenant ON audit_check TO merchant_app USING (%s) WITH CHECK (%s)', rule, rule);
    END $$
"""


def upgrade() -> None:
    for statement in (*TABLES, *GRANTS, WALL):
        op.execute(statement)
