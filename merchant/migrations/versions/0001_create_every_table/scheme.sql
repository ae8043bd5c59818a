-- The scheme, its DFSPs, and the keys of the service and of its partners.

-- The one scheme (id 1) and its defaults.
CREATE TABLE scheme (
    id serial PRIMARY KEY,
    name varchar NOT NULL,
    qr_domain varchar NOT NULL,
    alias_type varchar NOT NULL,
    alias_length integer NOT NULL,
    currencies text[] NOT NULL,
    country varchar NOT NULL,
    time_zone varchar NOT NULL,
    ussd_code varchar NOT NULL,
    request_expiry_s integer NOT NULL,
    request_expiry_max_s integer NOT NULL
);

-- A participant of the scheme: the tenant of every row that names it.
CREATE TABLE dfsp (
    id uuid PRIMARY KEY,
    fsp_id varchar(32) NOT NULL UNIQUE,
    name varchar NOT NULL,
    enabled boolean NOT NULL,
    hub_mode varchar NOT NULL,
    hub_url varchar NOT NULL,
    transfer_mode varchar NOT NULL,
    created_at timestamptz NOT NULL
);

-- Private keys of the DFSPs, sealed, and public keys of partners.
CREATE TABLE scheme_key (
    id uuid PRIMARY KEY,
    key_id varchar NOT NULL,
    dfsp_id uuid REFERENCES dfsp (id),
    fsp_id varchar NOT NULL,
    purpose varchar NOT NULL,
    algorithm varchar NOT NULL,
    public_pem varchar,
    private_sealed bytea,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz
);

CREATE INDEX ix_scheme_key_fsp_id ON scheme_key (fsp_id);
