"""Keep imports: which file was sent by whom, its rows until they are worked off, and what became of each.

The end of an audit chain may move on by many entries at once, where all of them are there.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

STATEMENTS = (
    """
    CREATE TABLE import_job (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid REFERENCES merchant (id),
        done integer NOT NULL,
        total integer NOT NULL,
        problem varchar,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        actor_kind varchar NOT NULL,
        actor_id uuid NOT NULL,
        issuer_id uuid,
        file_name varchar NOT NULL,
        file_sha256 varchar NOT NULL,
        dry_run boolean NOT NULL,
        submit boolean NOT NULL,
        columns text[] NOT NULL,
        added integer NOT NULL,
        existing integer NOT NULL,
        failed integer NOT NULL
    )
    """,
    "CREATE INDEX ix_import_job_dfsp_id ON import_job (dfsp_id)",
    """
    CREATE TABLE import_batch (
        import_id uuid NOT NULL REFERENCES import_job (id) ON DELETE CASCADE,
        number integer NOT NULL,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        rows_sealed bytea,
        outcomes_sealed bytea,
        PRIMARY KEY (import_id, number)
    )
    """,
    "CREATE INDEX ix_import_batch_dfsp_id ON import_batch (dfsp_id)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON import_job, import_batch TO merchant_system",
    "GRANT SELECT, INSERT ON import_job, import_batch TO merchant_app",
)
# A hundred rows of an import are recorded together: the end moves on by as many entries as are there.
ADVANCE = """
    CREATE OR REPLACE FUNCTION advance_audit_head() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.dfsp_id IS DISTINCT FROM OLD.dfsp_id OR NEW.seq IS NULL OR NEW.seq <= OLD.seq THEN
            RAISE EXCEPTION 'the end of an audit chain moves on by one entry: % to % is refused', OLD.seq, NEW.seq
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF NEW.seq > OLD.seq + 1 AND NEW.seq - OLD.seq <> (
            SELECT count(*) FROM audit_entry
            WHERE dfsp_id = NEW.dfsp_id AND seq > OLD.seq AND seq <= NEW.seq
        ) THEN
            RAISE EXCEPTION 'the end of an audit chain moves on by one entry: % to % is refused', OLD.seq, NEW.seq
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END $$
"""
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
        FOREACH walled IN ARRAY ARRAY['import_job', 'import_batch'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""


def upgrade() -> None:
    for statement in (*STATEMENTS, WALL, ADVANCE):
        op.execute(statement)
