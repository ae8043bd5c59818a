"""Keep what merchants sell and at which price."""

from alembic import op

revision = "0031"
down_revision = "0030"

TABLES = (
    """
    CREATE TABLE price_key (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid NOT NULL REFERENCES merchant (id),
        counter_id uuid REFERENCES counter (id),
        label varchar NOT NULL,
        amount_minor bigint NOT NULL,
        currency varchar NOT NULL,
        position integer NOT NULL
    )
    """,
    "CREATE INDEX ix_price_key_dfsp_id ON price_key (dfsp_id)",
    "CREATE INDEX price_key_of_merchant ON price_key (merchant_id, position)",
)
GRANTS = ("GRANT SELECT, INSERT, UPDATE, DELETE ON price_key TO merchant_app, merchant_system",)
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
        ALTER TABLE price_key ENABLE ROW LEVEL SECURITY;
        CREATE POLICY service ON price_key TO merchant_system USING (true) WITH CHECK (true);
        EXECUTE format('CREATE POLICY tenant ON price_key TO merchant_app USING (%s) WITH CHECK (%s)', rule, rule);
    END $$
"""


def upgrade() -> None:
    for statement in (*TABLES, *GRANTS, WALL):
        op.execute(statement)
