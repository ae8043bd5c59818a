"""Keep policy layers, verifications, and what makes a case of an application: its kind, target, risk and approvals."""

from alembic import op

revision = "0016"
down_revision = "0015"

TABLES = (
    """
    CREATE TABLE policy_layer (
        id uuid PRIMARY KEY,
        layer varchar NOT NULL,
        dfsp_id uuid REFERENCES dfsp (id),
        name varchar NOT NULL,
        version varchar NOT NULL,
        text text NOT NULL,
        sha256 varchar NOT NULL,
        state varchar NOT NULL,
        effective_on date NOT NULL,
        note varchar NOT NULL,
        proposed_by uuid NOT NULL,
        published_by uuid,
        created_at timestamptz NOT NULL,
        published_at timestamptz
    )
    """,
    "CREATE INDEX ix_policy_layer_dfsp_id ON policy_layer (dfsp_id)",
    "CREATE INDEX policy_layer_in_force ON policy_layer (layer, dfsp_id, effective_on)",
    """
    CREATE TABLE verification (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        application_id uuid REFERENCES application (id),
        merchant_id uuid REFERENCES merchant (id),
        attribute varchar NOT NULL,
        subject varchar NOT NULL,
        outcome varchar NOT NULL,
        method varchar NOT NULL,
        by_kind varchar NOT NULL,
        by_id uuid,
        by_name varchar NOT NULL,
        confirmed_by uuid,
        at timestamptz NOT NULL,
        expires_on date,
        code varchar NOT NULL,
        facts bytea NOT NULL,
        details_sealed bytea,
        policy_version varchar NOT NULL
    )
    """,
    "CREATE INDEX ix_verification_dfsp_id ON verification (dfsp_id)",
    "CREATE INDEX verification_of_application ON verification (application_id)",
    "CREATE INDEX verification_of_merchant ON verification (merchant_id)",
)
GRANTS = (
    # A policy's text never changes once it is proposed: the database itself refuses it.
    "GRANT SELECT, INSERT ON policy_layer TO merchant_system",
    "GRANT UPDATE (state, effective_on, published_by, published_at) ON policy_layer TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON verification TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON verification TO merchant_app",
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
        FOREACH walled IN ARRAY ARRAY['verification'] LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
            EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
            EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
        END LOOP;
    END $$
"""
COLUMNS = (
    """
    ALTER TABLE application
        ADD COLUMN kind varchar NOT NULL DEFAULT 'onboarding',
        ADD COLUMN target_tier varchar,
        ADD COLUMN section_makers jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN approvals uuid[] NOT NULL DEFAULT '{}',
        ADD COLUMN barred uuid[] NOT NULL DEFAULT '{}',
        ADD COLUMN appealed_at timestamptz,
        ADD COLUMN due_at timestamptz,
        ADD COLUMN risk varchar,
        ADD COLUMN reason_sealed bytea,
        ADD COLUMN trigger varchar,
        ADD COLUMN to_dfsp_id uuid,
        ADD COLUMN moves_merchant_id uuid
    """,
    """
    ALTER TABLE merchant
        ADD COLUMN case_id uuid,
        ADD COLUMN limit_group uuid,
        ADD COLUMN tier_since timestamptz,
        ADD COLUMN next_review_on date,
        ADD COLUMN check_on date DEFAULT '2026-01-01', -- those that there are, are looked at once
        ADD COLUMN stopped_for varchar,
        ADD COLUMN listed boolean NOT NULL DEFAULT false
    """,
    "ALTER TABLE counter ADD COLUMN closed_at timestamptz",
)


def upgrade() -> None:
    for statement in (*TABLES, *GRANTS, WALL, *COLUMNS):
        op.execute(statement)
