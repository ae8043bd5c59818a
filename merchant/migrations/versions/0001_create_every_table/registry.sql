-- Applications and what became of them: versions, decisions, merchants, counters, numbers.

-- An application as it is now; the answers are sealed.
CREATE TABLE application (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    external_ref varchar,
    state varchar NOT NULL,
    version integer NOT NULL,
    revision integer NOT NULL,
    version_hash varchar NOT NULL,
    sections_sealed bytea NOT NULL,
    makers uuid[] NOT NULL,
    checker_id uuid,
    claimed_by uuid,
    claimed_until timestamptz,
    report jsonb,
    returned_items jsonb,
    reject_reason varchar,
    merchant_id uuid,
    trading_name varchar NOT NULL,
    legal_name varchar NOT NULL,
    mcc varchar NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    submitted_at timestamptz,
    UNIQUE (dfsp_id, external_ref)
);

CREATE INDEX application_by_state ON application (dfsp_id, state, id);

CREATE INDEX ix_application_dfsp_id ON application (dfsp_id);

-- Digests of identity numbers, by which the same owner is found again.
CREATE TABLE application_identifier (
    application_id uuid NOT NULL REFERENCES application (id),
    path varchar NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    kind varchar NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (application_id, path)
);

CREATE INDEX application_identifier_digest ON application_identifier (dfsp_id, digest);

CREATE INDEX ix_application_identifier_dfsp_id ON application_identifier (dfsp_id);

-- What was submitted, frozen.
CREATE TABLE application_version (
    application_id uuid NOT NULL REFERENCES application (id),
    version integer NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    version_hash varchar NOT NULL,
    sections_sealed bytea NOT NULL,
    makers uuid[] NOT NULL,
    report jsonb,
    submitted_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, version)
);

CREATE INDEX ix_application_version_dfsp_id ON application_version (dfsp_id);

-- What a checker decided on a version.
CREATE TABLE decision (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    application_id uuid NOT NULL REFERENCES application (id),
    version integer NOT NULL,
    version_hash varchar NOT NULL,
    kind varchar NOT NULL,
    reason varchar,
    checker_id uuid NOT NULL,
    decided_at timestamptz NOT NULL
);

CREATE INDEX ix_decision_application_id ON decision (application_id);

CREATE INDEX ix_decision_dfsp_id ON decision (dfsp_id);

-- What a checker decided on a hit of screening.
CREATE TABLE screening_decision (
    application_id uuid NOT NULL REFERENCES application (id),
    version integer NOT NULL,
    hit_id varchar NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    decision varchar NOT NULL,
    reason varchar NOT NULL,
    decided_by uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, version, hit_id)
);

CREATE INDEX ix_screening_decision_dfsp_id ON screening_decision (dfsp_id);

-- An approved business.
CREATE TABLE merchant (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    application_id uuid NOT NULL REFERENCES application (id),
    state varchar NOT NULL,
    tier varchar NOT NULL,
    kind varchar NOT NULL,
    trading_name varchar NOT NULL,
    legal_name varchar NOT NULL,
    ussd_name varchar NOT NULL,
    mcc varchar NOT NULL,
    currencies text[] NOT NULL,
    country varchar NOT NULL,
    city varchar NOT NULL,
    phone_digest bytea,
    phone_sealed bytea,
    phone_masked varchar,
    revision integer NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX ix_merchant_application_id ON merchant (application_id);

CREATE INDEX ix_merchant_dfsp_id ON merchant (dfsp_id);

CREATE INDEX merchant_by_state ON merchant (dfsp_id, state, id);

-- Where a merchant sells.
CREATE TABLE location (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid NOT NULL REFERENCES merchant (id),
    name varchar NOT NULL,
    kind varchar NOT NULL,
    country varchar NOT NULL,
    city varchar NOT NULL,
    details jsonb NOT NULL
);

CREATE INDEX ix_location_dfsp_id ON location (dfsp_id);

CREATE INDEX ix_location_merchant_id ON location (merchant_id);

-- A point of sale with a number of its own.
CREATE TABLE counter (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid NOT NULL REFERENCES merchant (id),
    location_id uuid NOT NULL REFERENCES location (id),
    name varchar NOT NULL,
    alias_type varchar NOT NULL,
    alias varchar NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX ix_counter_alias ON counter (alias);

CREATE INDEX ix_counter_dfsp_id ON counter (dfsp_id);

CREATE INDEX ix_counter_location_id ON counter (location_id);

CREATE INDEX ix_counter_merchant_id ON counter (merchant_id);

-- Who holds a number, or held it: a retired one is never given again.
CREATE TABLE alias_claim (
    alias_type varchar NOT NULL,
    alias varchar NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    counter_id uuid,
    external_merchant_id varchar,
    claimed_at timestamptz NOT NULL,
    retired_at timestamptz,
    PRIMARY KEY (alias_type, alias)
);

CREATE UNIQUE INDEX alias_claim_any_case ON alias_claim (alias_type, lower(alias));

CREATE INDEX ix_alias_claim_dfsp_id ON alias_claim (dfsp_id);

-- Where the oracle sends look-ups of a number in a currency ('' is any).
CREATE TABLE alias (
    alias_type varchar NOT NULL,
    alias varchar NOT NULL,
    sub_id varchar NOT NULL,
    currency varchar NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid,
    counter_id uuid,
    external_merchant_id varchar,
    active boolean NOT NULL,
    PRIMARY KEY (alias_type, alias, sub_id, currency)
);

CREATE INDEX alias_external ON alias (dfsp_id, external_merchant_id, currency);

CREATE INDEX alias_merchant ON alias (merchant_id) WHERE merchant_id IS NOT NULL;
