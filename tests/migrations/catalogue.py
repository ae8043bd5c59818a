"""What a database's schema is, as PostgreSQL itself tells it: one line a fact, for comparing two databases.

Alembic compares tables, columns and indexes only; here are rights, policies, options, sequences and the rest too.
"""

import asyncpg

_FACTS = (
    """
    SELECT format('table %s: security %s/%s, options %s', oid::regclass, relrowsecurity, relforcerowsecurity,
                  reloptions)
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'public'::regnamespace
    """,
    # Dropped columns leave gaps in attnum, so the place is counted.
    """
    SELECT format('column %s.%s: place %s, %s, not null %s, default %s, identity %s', attrelid::regclass, attname,
                  row_number() OVER (PARTITION BY attrelid ORDER BY attnum), format_type(atttypid, atttypmod),
                  attnotnull, pg_get_expr(adbin, adrelid), attidentity)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r' AND relnamespace = 'public'::regnamespace
    """,
    """
    SELECT format('index %s: valid %s, options %s', pg_get_indexdef(indexrelid), indisvalid, reloptions)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
    """,
    # NOT NULL is a constraint of its own since PostgreSQL 18; the columns above tell it.
    """
    SELECT format('constraint %s of %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    """,
    """
    SELECT format('policy %s on %s: %s %s to %s using %s check %s', policyname, tablename, permissive, cmd, roles, qual,
                  with_check)
    FROM pg_policies
    """,
    """
    SELECT format('right on %s: %s may %s, grantable %s', oid::regclass, grantee::regrole, privilege_type, is_grantable)
    FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'public'::regnamespace
    """,
    """
    SELECT format('right on a column of %s: %s', attrelid::regclass, attacl) FROM pg_attribute
    WHERE attacl IS NOT NULL
    """,
    """
    SELECT format('right on schema public: %s may %s', grantee, privilege_type)
    FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public'
    """,
    "SELECT format('default right: %s', defaclacl) FROM pg_default_acl",
    """
    SELECT format('sequence %s: %s from %s by %s up to %s, cycle %s, of %s', sequencename, data_type, start_value,
                  increment_by, max_value, cycle, (
                    SELECT refobjid::regclass || '.' || refobjsubid FROM pg_depend
                    WHERE objid = to_regclass(sequencename) AND deptype IN ('a', 'i')))
    FROM pg_sequences WHERE schemaname = 'public'
    """,
    """
    SELECT format('trigger %s on %s: %s', tgname, tgrelid::regclass, pg_get_triggerdef(oid)) FROM pg_trigger
    WHERE NOT tgisinternal
    """,
    "SELECT format('function %s', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    """
    SELECT format('type %s: %s', oid::regtype, typtype) FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
    """,
    "SELECT format('extension %s', extname) FROM pg_extension",
)


async def describe_schema(connection: asyncpg.Connection) -> set[str]:
    """Every fact of the schema `public`."""
    return {row[0] for query in _FACTS for row in await connection.fetch(query)}
