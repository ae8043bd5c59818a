-- Run once, as a superuser of PostgreSQL 15 or later: psql -f THIS-FILE postgres
-- It asks for two passwords, unless the variables owner_password and login_password are set, and may be run again.
-- Then, with the owner's password and the login's in the places of PASSWORD:
--   MERCHANT_DATABASE_URL=postgresql://merchant_owner:PASSWORD@HOST/merchant merchant migrate
--   MERCHANT_DATABASE_URL=postgresql://merchant_login:PASSWORD@HOST/merchant merchant serve
\set ON_ERROR_STOP on
\if :{?owner_password}
\else
  \prompt 'Password for merchant_owner: ' owner_password
\endif
\if :{?login_password}
\else
  \prompt 'Password for merchant_login: ' login_password
\endif
SELECT :SERVER_VERSION_NUM >= 150000 AS is_supported, :SERVER_VERSION_NUM >= 160000 AS knows_set \gset
\if :is_supported
\else
  \warn 'This needs PostgreSQL 15 or later.'
  SELECT 1 / 0;
\endif

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['merchant_app', 'merchant_system', 'merchant_owner', 'merchant_login']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE merchant_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;
ALTER ROLE merchant_system NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;
ALTER ROLE merchant_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'owner_password';
ALTER ROLE merchant_login LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'login_password';

\if :knows_set
  GRANT merchant_app, merchant_system TO merchant_owner, merchant_login WITH INHERIT FALSE, SET TRUE;
\else
  GRANT merchant_app, merchant_system TO merchant_owner, merchant_login;
\endif

SELECT 'CREATE DATABASE merchant OWNER merchant_owner TEMPLATE template0 ENCODING ''UTF8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'merchant') \gexec
ALTER DATABASE merchant OWNER TO merchant_owner;
REVOKE ALL ON DATABASE merchant FROM PUBLIC;
GRANT CONNECT ON DATABASE merchant TO merchant_login;
