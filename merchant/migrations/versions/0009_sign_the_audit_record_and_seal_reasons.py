"""Sign the audit record, refuse to change it, and keep reasons, reports and addresses sealed."""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLES = (
    """
    CREATE TABLE audit_secret (
        id uuid PRIMARY KEY,
        secret_sealed bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE audit_reason (
        dfsp_id uuid NOT NULL,
        seq bigint NOT NULL,
        reason_sealed bytea NOT NULL,
        PRIMARY KEY (dfsp_id, seq)
    )
    """,
    """
    CREATE TABLE security_event (
        id uuid PRIMARY KEY,
        at timestamptz NOT NULL,
        kind varchar NOT NULL,
        actor_kind varchar,
        actor_id uuid,
        dfsp_id uuid,
        source varchar,
        subject varchar,
        detail jsonb NOT NULL
    )
    """,
    "CREATE INDEX security_event_at ON security_event (at)",
    "CREATE INDEX security_event_listed ON security_event (dfsp_id, id)",
    "CREATE INDEX security_event_of_actor ON security_event (actor_id, id)",
    "CREATE INDEX security_event_by_subject ON security_event (subject, id) WHERE subject IS NOT NULL",
)
GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON audit_secret, audit_reason, security_event TO merchant_system",
    "GRANT SELECT, INSERT ON audit_reason, security_event TO merchant_app",
    # Entries are only added, heads only move on.
    "REVOKE UPDATE, DELETE ON audit_entry FROM merchant_system, merchant_app",
    "REVOKE DELETE ON audit_head FROM merchant_system, merchant_app",
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
        FOREACH walled IN ARRAY ARRAY['audit_reason', 'security_event'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""
COLUMNS = (
    "ALTER TABLE audit_entry ADD COLUMN key_id uuid",
    # Beside the columns in clear, which the release before still reads.
    """
    ALTER TABLE application ADD COLUMN report_sealed bytea, ADD COLUMN returned_items_sealed bytea,
        ADD COLUMN reject_reason_sealed bytea
    """,
    "ALTER TABLE application_version ADD COLUMN report_sealed bytea",
    "ALTER TABLE decision ADD COLUMN reason_sealed bytea",
    "ALTER TABLE screening_decision ADD COLUMN reason_sealed bytea",
    "ALTER TABLE location ADD COLUMN details_sealed bytea",
    "ALTER TABLE ended_sticker ADD COLUMN reason_sealed bytea",
)
# A DFSP that has no chain has lost it, from now on; those that nothing was recorded of yet get theirs.
HEADS = """
    INSERT INTO audit_head (dfsp_id, seq, hash) SELECT id, 0, decode(repeat('00', 32), 'hex') FROM dfsp
    ON CONFLICT (dfsp_id) DO NOTHING
"""
TRIGGERS = (
    """
    CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit record is only added to: % of % is refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    """
    CREATE FUNCTION advance_audit_head() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.dfsp_id IS DISTINCT FROM OLD.dfsp_id OR NEW.seq IS DISTINCT FROM OLD.seq + 1 THEN
            RAISE EXCEPTION 'the end of an audit chain moves on by one entry: % to % is refused', OLD.seq, NEW.seq
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER audit_entry_is_only_added BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()
    """,
    """
    CREATE TRIGGER audit_entry_is_not_emptied BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
    """,
    """
    CREATE TRIGGER audit_head_only_moves_on BEFORE UPDATE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION advance_audit_head()
    """,
    """
    CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()
    """,
    """
    CREATE TRIGGER audit_head_is_not_emptied BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
    """,
)
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass('audit_entry_by_subject') AND NOT indisvalid
        ) THEN
            DROP INDEX audit_entry_by_subject;
        END IF;
    END $$
"""
CREATE_INDEX = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_entry_by_subject ON audit_entry (dfsp_id, subject_id, seq)
"""


def upgrade() -> None:
    op.execute(DROP_UNFINISHED)
    # First, and outside a transaction: entries are written while the index is built, and what follows is done whole.
    with op.get_context().autocommit_block():
        op.execute(CREATE_INDEX)
    for statement in (*TABLES, *GRANTS, WALL, *COLUMNS, HEADS, *TRIGGERS):
        op.execute(statement)
