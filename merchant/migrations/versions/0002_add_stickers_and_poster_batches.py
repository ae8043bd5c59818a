"""Add the versions of printed stickers and the print runs of posters."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE TABLE ended_sticker (
        counter_id uuid NOT NULL REFERENCES counter (id),
        version integer NOT NULL,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        ended_as varchar NOT NULL,
        reason varchar NOT NULL,
        ended_at timestamptz NOT NULL,
        PRIMARY KEY (counter_id, version)
    )
    """,
    "CREATE INDEX ix_ended_sticker_dfsp_id ON ended_sticker (dfsp_id)",
    """
    CREATE TABLE poster_batch (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid REFERENCES merchant (id),
        merchant_ids uuid[] NOT NULL,
        page varchar NOT NULL,
        languages text[] NOT NULL,
        done integer NOT NULL,
        total integer NOT NULL,
        skipped jsonb NOT NULL,
        problem varchar,
        pdf_sha256 varchar,
        created_at timestamptz NOT NULL,
        finished_at timestamptz
    )
    """,
    "CREATE INDEX ix_poster_batch_dfsp_id ON poster_batch (dfsp_id)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ended_sticker, poster_batch TO merchant_system",
    "GRANT SELECT, INSERT ON ended_sticker TO merchant_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON poster_batch TO merchant_app",
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
        FOREACH walled IN ARRAY ARRAY['ended_sticker', 'poster_batch'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""


def upgrade() -> None:
    for statement in (*STATEMENTS, WALL):
        op.execute(statement)
