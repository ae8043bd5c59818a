"""Keep what shoppers report of codes."""

from alembic import op

revision = "0032"
down_revision = "0031"

TABLES = (
    """
    CREATE TABLE code_report (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid NOT NULL REFERENCES merchant (id),
        counter_id uuid NOT NULL REFERENCES counter (id),
        code varchar NOT NULL,
        reason varchar NOT NULL,
        text_sealed bytea,
        sticker integer,
        source_digest bytea NOT NULL,
        at timestamptz NOT NULL,
        seen_at timestamptz,
        seen_by uuid
    )
    """,
    "CREATE INDEX code_report_listed ON code_report (dfsp_id, id)",
    "CREATE INDEX code_report_of_merchant ON code_report (merchant_id, id)",
    "CREATE INDEX ix_code_report_counter_id ON code_report (counter_id)",
    "CREATE INDEX code_report_at ON code_report (at)",
)
GRANTS = ("GRANT SELECT, INSERT, UPDATE, DELETE ON code_report TO merchant_app, merchant_system",)
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
        ALTER TABLE code_report ENABLE ROW LEVEL SECURITY;
        CREATE POLICY service ON code_report TO merchant_system USING (true) WITH CHECK (true);
        EXECUTE format('CREATE POLICY tenant ON code_report TO merchant_app USING (%s) WITH CHECK (%s)', rule, rule);
    END $$
"""


def upgrade() -> None:
    for statement in (*TABLES, *GRANTS, WALL):
        op.execute(statement)
