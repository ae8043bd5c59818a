"""The SQL by which an administrator makes the roles and the database of an installation, as text for psql.

Four roles: the owner migrates and may not create roles; the login serves and owns nothing; both may become the two that
row-level security knows. All of it may be run again.
"""

import re

from merchant.core.errors import OperatorProblem

_NAME = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")

_SCRIPT = """\
-- Run once, as a superuser of PostgreSQL 15 or later: psql -f THIS-FILE postgres
-- It asks for two passwords, unless the variables owner_password and login_password are set, and may be run again.
-- Then, with the owner's password and the login's in the places of PASSWORD:
--   MERCHANT_DATABASE_URL=postgresql://{owner}:PASSWORD@HOST/{database} merchant migrate
--   MERCHANT_DATABASE_URL=postgresql://{login}:PASSWORD@HOST/{database} merchant serve
\\set ON_ERROR_STOP on
\\if :{{?owner_password}}
\\else
  \\prompt 'Password for {owner}: ' owner_password
\\endif
\\if :{{?login_password}}
\\else
  \\prompt 'Password for {login}: ' login_password
\\endif
SELECT :SERVER_VERSION_NUM >= 150000 AS is_supported, :SERVER_VERSION_NUM >= 160000 AS knows_set \\gset
\\if :is_supported
\\else
  \\warn 'This needs PostgreSQL 15 or later.'
  SELECT 1 / 0;
\\endif

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['{app}', '{system}', '{owner}', '{login}']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \\gexec

ALTER ROLE {app} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;
ALTER ROLE {system} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;
ALTER ROLE {owner} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'owner_password';
ALTER ROLE {login} LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'login_password';

\\if :knows_set
  GRANT {app}, {system} TO {owner}, {login} WITH INHERIT FALSE, SET TRUE;
\\else
  GRANT {app}, {system} TO {owner}, {login};
\\endif

SELECT 'CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING ''UTF8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}') \\gexec
ALTER DATABASE {database} OWNER TO {owner};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {login};
"""


class BadRoleName(OperatorProblem):
    """A name cannot be a role or a database of ours."""


def script(database: str, owner: str, login: str, app: str, system: str) -> str:
    """The script for psql. Raises BadRoleName."""
    names = {"database": database, "owner": owner, "login": login, "app": app, "system": system}
    for name in names.values():
        if not _NAME.fullmatch(name):
            raise BadRoleName(f"{name!r} must be small letters, digits and _, at most 63, and not begin with pg_.")
    if len({owner, login, app, system}) < 4:
        raise BadRoleName("The owner, the login and the two roles must have four different names.")
    return _SCRIPT.format(**names)
