"""Let merchants register themselves: accounts by phone, one-time codes, who an application's applicant is, claims."""

from alembic import op

revision = "0027"
down_revision = "0023"

ACCOUNTS = (
    """
    ALTER TABLE app_user
        ALTER COLUMN email DROP NOT NULL,
        ADD COLUMN phone_sealed bytea,
        ADD COLUMN phone_digest bytea,
        ADD COLUMN language varchar
    """,
    "CREATE UNIQUE INDEX app_user_phone ON app_user (phone_digest) WHERE phone_digest IS NOT NULL",
    "ALTER TABLE application ADD COLUMN applicant_id uuid, ADD COLUMN handed_in_at timestamptz",
    "CREATE INDEX application_of_applicant ON application (applicant_id, id) WHERE applicant_id IS NOT NULL",
    """
    CREATE UNIQUE INDEX application_open_of_applicant ON application (applicant_id)
        WHERE kind::text = 'onboarding' AND state::text IN ('draft', 'submitted', 'in_review', 'returned')
    """,
)
TABLES = (
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
    for statement in (*ACCOUNTS, *TABLES, *GRANTS, WALL):
        op.execute(statement)
