"""Keep digests of the one-time codes that were sent to phones."""

from alembic import op

revision = "0022"
down_revision = "0021"

TABLES = (
    """
    CREATE TABLE phone_code (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        application_id uuid NOT NULL REFERENCES application (id),
        phone_digest bytea NOT NULL,
        code_digest bytea NOT NULL,
        facts bytea NOT NULL,
        tries_left integer NOT NULL,
        sent_by uuid NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        verification_id uuid
    )
    """,
    "CREATE INDEX ix_phone_code_dfsp_id ON phone_code (dfsp_id)",
    "CREATE INDEX phone_code_of_case ON phone_code (application_id, created_at)",
    "CREATE INDEX phone_code_to_phone ON phone_code (phone_digest, created_at)",
    "CREATE INDEX ix_phone_code_created_at ON phone_code (created_at)",
)
GRANTS = ("GRANT SELECT, INSERT, UPDATE, DELETE ON phone_code TO merchant_app, merchant_system",)
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
        ALTER TABLE phone_code ENABLE ROW LEVEL SECURITY;
        CREATE POLICY service ON phone_code TO merchant_system USING (true) WITH CHECK (true);
        EXECUTE format('CREATE POLICY tenant ON phone_code TO merchant_app USING (%s) WITH CHECK (%s)', rule, rule);
    END $$
"""


def upgrade() -> None:
    for statement in (*TABLES, *GRANTS, WALL):
        op.execute(statement)
