-- Staff, and the keys of programs.

-- Someone who signs in: hub staff, a DFSP's staff or a merchant's.
CREATE TABLE app_user (
    id uuid PRIMARY KEY,
    dfsp_id uuid REFERENCES dfsp (id),
    merchant_id uuid REFERENCES merchant (id),
    email varchar NOT NULL UNIQUE,
    name varchar NOT NULL,
    password_hash varchar NOT NULL,
    roles text[] NOT NULL,
    enabled boolean NOT NULL,
    failed_sign_ins integer NOT NULL,
    locked_until timestamptz,
    created_at timestamptz NOT NULL
);

CREATE INDEX ix_app_user_dfsp_id ON app_user (dfsp_id);

-- A program's key, as a digest.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid REFERENCES merchant (id),
    counter_id uuid REFERENCES counter (id),
    name varchar NOT NULL,
    digest bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE INDEX ix_api_key_dfsp_id ON api_key (dfsp_id);
