"""Keep documents of applications and merchants, and note the files that no document holds."""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    """
    CREATE TABLE document (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        application_id uuid REFERENCES application (id),
        merchant_id uuid REFERENCES merchant (id),
        purpose varchar NOT NULL,
        path varchar NOT NULL,
        media_type varchar NOT NULL,
        size_bytes bigint NOT NULL,
        sha256 varchar NOT NULL,
        pages integer,
        stored_sha256 varchar NOT NULL,
        key_sealed bytea,
        file_name_sealed bytea,
        place_sealed bytea,
        added_by uuid NOT NULL,
        added_at timestamptz NOT NULL,
        withdrawn_at timestamptz,
        erased_at timestamptz,
        CONSTRAINT document_of_one CHECK (num_nonnulls(application_id, merchant_id) = 1)
    )
    """,
    "CREATE INDEX ix_document_dfsp_id ON document (dfsp_id)",
    "CREATE INDEX document_of_application ON document (application_id, id) WHERE application_id IS NOT NULL",
    "CREATE INDEX document_of_merchant ON document (merchant_id, id) WHERE merchant_id IS NOT NULL",
    # One file a document, and the way to a document from its file.
    "CREATE UNIQUE INDEX document_by_file ON document (stored_sha256)",
    """
    CREATE TABLE loose_file (
        stored_sha256 varchar PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        due_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_loose_file_dfsp_id ON loose_file (dfsp_id)",
    "CREATE INDEX loose_file_due ON loose_file (due_at)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON document, loose_file TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON document, loose_file TO merchant_app",
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
        FOREACH walled IN ARRAY ARRAY['document', 'loose_file'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""


def upgrade() -> None:
    for statement in (*STATEMENTS, WALL):
        op.execute(statement)
