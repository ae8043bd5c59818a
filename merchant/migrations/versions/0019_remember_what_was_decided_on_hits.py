"""Keep every decision on a hit, and remember those that were released, until the entry or the person changes."""

from alembic import op

revision = "0019"
down_revision = "0018"

TABLES = (
    """
    CREATE TABLE hit_decision (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        application_id uuid NOT NULL REFERENCES application (id),
        version integer NOT NULL,
        hit_id varchar NOT NULL,
        decision varchar NOT NULL,
        proposed boolean NOT NULL,
        reason_sealed bytea NOT NULL,
        decided_by uuid NOT NULL,
        decided_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_hit_decision_dfsp_id ON hit_decision (dfsp_id)",
    "CREATE INDEX hit_decision_of ON hit_decision (application_id, version, hit_id)",
    """
    CREATE TABLE released_hit (
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        subject bytea NOT NULL,
        list_source varchar NOT NULL,
        entry_id varchar NOT NULL,
        entry_sha256 varchar NOT NULL,
        application_id uuid NOT NULL REFERENCES application (id),
        hit_id varchar NOT NULL,
        released_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (dfsp_id, subject, list_source, entry_id)
    )
    """,
    "CREATE INDEX ix_released_hit_expires_at ON released_hit (expires_at)",
    "CREATE INDEX ix_released_hit_application_id ON released_hit (application_id)",
)
GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON hit_decision, released_hit TO merchant_system",
    "GRANT SELECT, INSERT ON hit_decision TO merchant_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON released_hit TO merchant_app",
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
        FOREACH walled IN ARRAY ARRAY['hit_decision', 'released_hit'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""


# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM pg_index
            WHERE indexrelid = to_regclass('application_identifier_anywhere') AND NOT indisvalid
        ) THEN
            DROP INDEX application_identifier_anywhere;
        END IF;
    END $$
"""
CREATE_INDEX = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS application_identifier_anywhere ON application_identifier (digest)
"""


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    with op.get_context().autocommit_block():
        op.execute(CREATE_INDEX)
    for statement in (*TABLES, *GRANTS, WALL):
        op.execute(statement)
