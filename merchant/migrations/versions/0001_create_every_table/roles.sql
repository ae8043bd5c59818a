-- The roles that the service runs under; the owner, who migrates, may become either.

-- Roles belong to the server: two of its databases may be migrated at the same moment.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'merchant_app') THEN
        CREATE ROLE merchant_app NOLOGIN NOBYPASSRLS;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'merchant_system') THEN
        CREATE ROLE merchant_system NOLOGIN NOBYPASSRLS;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

GRANT merchant_app, merchant_system TO CURRENT_USER;
