-- What every slice shares.

-- Jobs to be done after a commit.
CREATE TABLE outbox (
    id bigserial PRIMARY KEY,
    topic varchar NOT NULL,
    order_key varchar,
    dfsp_id uuid,
    payload bytea NOT NULL,
    attempts integer NOT NULL,
    run_at timestamptz NOT NULL,
    last_error varchar,
    dead_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE INDEX outbox_order ON outbox (order_key, id) WHERE order_key IS NOT NULL AND dead_at IS NULL;

CREATE INDEX outbox_ready ON outbox (run_at) WHERE dead_at IS NULL;

-- Messages of the hub, stored before they are worked on.
CREATE TABLE inbox (
    digest bytea PRIMARY KEY,
    method varchar NOT NULL,
    resource varchar NOT NULL,
    source varchar NOT NULL,
    sealed bytea NOT NULL,
    times integer NOT NULL,
    received_at timestamptz NOT NULL
);

-- Answers to calls that may be repeated.
CREATE TABLE idempotency_key (
    scope varchar NOT NULL,
    key varchar NOT NULL,
    dfsp_id varchar NOT NULL,
    input_hash bytea NOT NULL,
    status integer,
    body_sealed bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Who did what, chained by hash.
CREATE TABLE audit_entry (
    dfsp_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor_kind varchar NOT NULL,
    actor_id uuid NOT NULL,
    action varchar NOT NULL,
    subject_type varchar NOT NULL,
    subject_id varchar NOT NULL,
    detail jsonb NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (dfsp_id, seq)
);

-- The end of each chain.
CREATE TABLE audit_head (
    dfsp_id uuid PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
);

-- A dialogue on a telephone.
CREATE TABLE ussd_session (
    gateway varchar NOT NULL,
    session_id varchar NOT NULL,
    msisdn_digest bytea NOT NULL,
    state bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    touched_at timestamptz NOT NULL,
    PRIMARY KEY (gateway, session_id)
);

CREATE INDEX ix_ussd_session_msisdn_digest ON ussd_session (msisdn_digest);
