"""Find merchants by the words of their names, by number, phone, owner and register number, and by who added them."""

from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS merchant_search (
        merchant_id uuid NOT NULL REFERENCES merchant (id),
        dfsp_id uuid NOT NULL,
        words text[] COLLATE "C" NOT NULL,
        PRIMARY KEY (merchant_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS merchant_search_newest ON merchant_search (dfsp_id, merchant_id)",
    # Without a list of what is still to be added, which every search would read through.
    """
    CREATE INDEX IF NOT EXISTS merchant_search_words ON merchant_search USING gin (words) WITH (fastupdate = off)
    """,
    """
    CREATE TABLE IF NOT EXISTS search_key (
        dfsp_id uuid NOT NULL,
        key text COLLATE "C" NOT NULL,
        word text COLLATE "C" NOT NULL,
        PRIMARY KEY (dfsp_id, key, word)
    )
    """,
    """
    GRANT SELECT, INSERT, UPDATE, DELETE ON merchant_search, search_key TO merchant_system, merchant_app
    """,
    # The worker writes the words of the merchants there are; a null instant tells which ones are left.
    """
    ALTER TABLE merchant ADD COLUMN IF NOT EXISTS risk varchar, ADD COLUMN IF NOT EXISTS indexed_at timestamptz
    """,
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
        FOREACH walled IN ARRAY ARRAY['merchant_search', 'search_key'] LOOP
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
# Behind row-level security, PostgreSQL uses no index for operators that it does not trust to keep a secret, those of
# arrays among them. So this view has the owner's rights, and the rule of the wall in its own condition: a tenant sees
# its rows through it and no others, and the index on the words serves it. The setting is read once a statement, in
# sub-selects, and not once a row.
VIEW = (
    """
    CREATE OR REPLACE VIEW merchant_findable AS
    SELECT merchant_id, dfsp_id, words FROM merchant_search
    WHERE dfsp_id = (SELECT CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                                 ELSE current_setting('app.dfsp_id', true)::uuid END)
       OR (SELECT current_setting('app.dfsp_id', true) = 'hub')
    """,
    "REVOKE ALL ON merchant_findable FROM merchant_system, merchant_app",
    "GRANT SELECT ON merchant_findable TO merchant_app",
)
# Whoever changes a merchant's state, tier, category or risk, of this release or of the one before.
TRIGGERS = (
    """
    CREATE OR REPLACE FUNCTION keep_merchant_facets() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE merchant_search SET words = ARRAY(
            SELECT w FROM unnest(words) AS u (w) WHERE split_part(w, '=', 1) NOT IN ('state', 'tier', 'mcc', 'risk')
               OR strpos(w, '=') = 0
        ) || array_remove(
            ARRAY['state=' || NEW.state, 'tier=' || NEW.tier, 'mcc=' || NEW.mcc, 'risk=' || NEW.risk], NULL
        ) WHERE merchant_id = NEW.id;
        RETURN NULL;
    END $$
    """,
    "DROP TRIGGER IF EXISTS merchant_facets_are_kept ON merchant",
    """
    CREATE TRIGGER merchant_facets_are_kept AFTER UPDATE OF state, tier, mcc, risk ON merchant
    FOR EACH ROW WHEN (
        OLD.state IS DISTINCT FROM NEW.state OR OLD.tier IS DISTINCT FROM NEW.tier
        OR OLD.mcc IS DISTINCT FROM NEW.mcc OR OLD.risk IS DISTINCT FROM NEW.risk
    ) EXECUTE FUNCTION keep_merchant_facets()
    """,
)
# What an attempt leaves behind that was given up half-way.
DROP_UNFINISHED = """
    DO $$
    DECLARE
        unfinished text;
    BEGIN
        FOREACH unfinished IN ARRAY ARRAY[
            'merchant_by_tier', 'merchant_by_mcc', 'merchant_by_risk', 'merchant_by_age', 'merchant_not_indexed'
        ] LOOP
            IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(unfinished) AND NOT indisvalid) THEN
                EXECUTE format('DROP INDEX %I', unfinished);
            END IF;
        END LOOP;
    END $$
"""
INDEXES = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_by_tier ON merchant (dfsp_id, tier, id)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_by_mcc ON merchant (dfsp_id, mcc, id)",
    """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_by_risk ON merchant (dfsp_id, risk, id) WHERE risk IS NOT NULL
    """,
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_by_age ON merchant (dfsp_id, created_at)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS merchant_not_indexed ON merchant (id) WHERE indexed_at IS NULL",
)


def upgrade() -> None:
    for statement in (*TABLES, WALL, *VIEW, *TRIGGERS, DROP_UNFINISHED):
        op.execute(statement)
    # Outside a transaction: merchants are approved and suspended while the indexes are built.
    with op.get_context().autocommit_block():
        for statement in INDEXES:
            op.execute(statement)
