"""Hold aliases apart whatever their separators, count what DFSPs claim, and remember who issued a key.

Besides: a true match that one checker proposes to take back, and webhook endpoints that are paused.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

ADD_COLUMNS = (
    "ALTER TABLE alias_claim ADD COLUMN IF NOT EXISTS shares_form boolean NOT NULL DEFAULT false",
    "ALTER TABLE api_key ADD COLUMN IF NOT EXISTS issued_by uuid",
    "ALTER TABLE screening_decision ADD COLUMN IF NOT EXISTS entry varchar",
    "ALTER TABLE screening_decision ADD COLUMN IF NOT EXISTS release_proposed_by uuid",
    "ALTER TABLE screening_decision ADD COLUMN IF NOT EXISTS release_reason_sealed bytea",
    "ALTER TABLE webhook_endpoint ADD COLUMN IF NOT EXISTS paused_at timestamptz",
    "ALTER TABLE webhook_endpoint ADD COLUMN IF NOT EXISTS pause_reason varchar",
)
# Who issued the keys of today stands in the audit record. A key is a row of a few dozen.
FIND_ISSUERS = """
    UPDATE api_key SET issued_by = entry.actor_id FROM audit_entry entry
    WHERE entry.action = 'api_key.issued' AND entry.actor_kind = 'user' AND entry.subject_id = api_key.id::text
      AND api_key.issued_by IS NULL
"""
CREATE_COUNT = (
    """
    CREATE TABLE IF NOT EXISTS alias_count (
        dfsp_id uuid NOT NULL REFERENCES dfsp (id),
        day date NOT NULL,
        claimed bigint NOT NULL,
        PRIMARY KEY (dfsp_id, day)
    )
    """,
    "GRANT SELECT, INSERT, UPDATE, DELETE ON alias_count TO merchant_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON alias_count TO merchant_app",
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
        FOREACH walled IN ARRAY ARRAY['alias_count'] LOOP
            IF NOT EXISTS (SELECT FROM pg_policies WHERE tablename = walled) THEN
                EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
                EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
                EXECUTE format(
                    'CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule
                );
            END IF;
        END LOOP;
    END $$
"""
# What was claimed before anyone counted, under a day of its own.
COUNT_CLAIMS = """
    INSERT INTO alias_count (dfsp_id, day, claimed)
    SELECT dfsp_id, '1970-01-01', count(*) FROM alias_claim WHERE counter_id IS NULL GROUP BY dfsp_id
    ON CONFLICT DO NOTHING
"""
# Of claims that differ by separators only, all but the first: they keep what they have, and the index leaves them out.
MARK_SHARED = """
    UPDATE alias_claim SET shares_form = true
    FROM (
        SELECT alias_type, alias, row_number() OVER (
            PARTITION BY alias_type, translate(lower(alias), '.-_', '') ORDER BY claimed_at, alias
        ) AS place
        FROM alias_claim
    ) ranked
    WHERE ranked.place > 1 AND ranked.alias_type = alias_claim.alias_type AND ranked.alias = alias_claim.alias
"""
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass('alias_claim_form') AND NOT indisvalid
        ) THEN
            DROP INDEX alias_claim_form;
        END IF;
    END $$
"""
CREATE = """
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS alias_claim_form
    ON alias_claim (alias_type, translate(lower(alias), '.-_', '')) WHERE NOT shares_form
"""


def upgrade() -> None:
    for statement in (*ADD_COLUMNS, *CREATE_COUNT, WALL):
        op.execute(statement)
    # Outside a transaction, so that the locks of the columns end before the tables are read through, and those who
    # claim numbers go on while the index is built. A claim that comes in between and shares a form ends the attempt;
    # the next one marks it.
    with op.get_context().autocommit_block():
        for statement in (FIND_ISSUERS, COUNT_CLAIMS, MARK_SHARED, DROP_UNFINISHED, CREATE):
            op.execute(statement)
