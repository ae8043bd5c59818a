"""Let merchants register themselves: accounts by phone, one-time codes, who an application's applicant is, claims."""

from alembic import op

revision = "0027"
down_revision = "0026"

# Over and over, until the indexes that follow are there: each of those is a step of its own.
COLUMNS = (
    """
    ALTER TABLE app_user
        ADD COLUMN IF NOT EXISTS phone_sealed bytea,
        ADD COLUMN IF NOT EXISTS phone_digest bytea,
        ADD COLUMN IF NOT EXISTS language varchar
    """,
    """
    ALTER TABLE application
        ADD COLUMN IF NOT EXISTS applicant_id uuid, ADD COLUMN IF NOT EXISTS handed_in_at timestamptz
    """,
)
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    DECLARE
        unfinished text;
    BEGIN
        FOREACH unfinished IN ARRAY
            ARRAY['app_user_phone', 'application_of_applicant', 'application_open_of_applicant'] LOOP
            IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(unfinished) AND NOT indisvalid) THEN
                EXECUTE format('DROP INDEX %I', unfinished);
            END IF;
        END LOOP;
    END $$
"""
INDEXES = (
    """
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS app_user_phone ON app_user (phone_digest)
        WHERE phone_digest IS NOT NULL
    """,
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS application_of_applicant ON application (applicant_id, id)
        WHERE applicant_id IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS application_open_of_applicant ON application (applicant_id)
        WHERE kind::text = 'onboarding' AND state::text IN ('draft', 'submitted', 'in_review', 'returned')
    """,
)
TABLES = (
    # The release before reads rows without an address only once somebody has registered by phone at this one.
    """
    -- squawk-ignore ban-drop-not-null
    ALTER TABLE app_user ALTER COLUMN email DROP NOT NULL
    """,
    """
    CREATE TABLE one_time_code (
        digest bytea PRIMARY KEY,
        code_digest bytea,
        sent_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        recent_sent_at timestamptz[] NOT NULL,
        wrong_count integer NOT NULL,
        locked_until timestamptz
    )
    """,
    "CREATE INDEX ix_one_time_code_expires_at ON one_time_code (expires_at)",
    """
    CREATE TABLE merchant_claim (
        id uuid PRIMARY KEY,
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        merchant_id uuid NOT NULL REFERENCES merchant (id),
        state varchar NOT NULL,
        claimant_digest bytea NOT NULL,
        name_sealed bytea NOT NULL,
        address_sealed bytea NOT NULL,
        created_at timestamptz NOT NULL,
        decided_at timestamptz,
        decided_by uuid,
        reason_sealed bytea
    )
    """,
    "CREATE INDEX ix_merchant_claim_dfsp_id ON merchant_claim (dfsp_id)",
    "CREATE UNIQUE INDEX merchant_claim_open ON merchant_claim (claimant_digest) WHERE state::text = 'open'",
    "CREATE INDEX merchant_claim_of_merchant ON merchant_claim (merchant_id, id)",
)
GRANTS = (
    # Addresses belong to no tenant: the service alone reads their codes.
    "GRANT SELECT, INSERT, UPDATE, DELETE ON one_time_code TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON merchant_claim TO merchant_app, merchant_system",
)
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
        ALTER TABLE merchant_claim ENABLE ROW LEVEL SECURITY;
        CREATE POLICY service ON merchant_claim TO merchant_system USING (true) WITH CHECK (true);
        EXECUTE format('CREATE POLICY tenant ON merchant_claim TO merchant_app USING (%s) WITH CHECK (%s)', rule, rule);
    END $$
"""


def upgrade() -> None:
    for statement in (*COLUMNS, DROP_UNFINISHED):
        op.execute(statement)
    # Outside a transaction: both tables are in use.
    with op.get_context().autocommit_block():
        for index in INDEXES:
            op.execute(index)
    for statement in (*TABLES, *GRANTS, WALL):
        op.execute(statement)
