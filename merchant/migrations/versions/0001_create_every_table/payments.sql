-- Requests to pay, and what passed between us and the hub.

-- Money that a merchant asked for.
-- It changes its state some six times: room in the page keeps the changes off the indexes.
CREATE TABLE payment_request (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid NOT NULL REFERENCES merchant (id),
    counter_id uuid NOT NULL REFERENCES counter (id),
    alias_type varchar NOT NULL,
    alias varchar NOT NULL,
    state varchar NOT NULL,
    amount_minor bigint NOT NULL,
    currency varchar NOT NULL,
    payer_type varchar,
    payer_sealed bytea,
    payer_digest bytea,
    payer_masked varchar,
    payer_fsp_id varchar,
    reference varchar,
    note varchar,
    short_ref varchar NOT NULL,
    transaction_request_id varchar(36) NOT NULL UNIQUE,
    transaction_id varchar(36),
    transfer_id varchar(36),
    reason_code varchar,
    reason_message varchar,
    late boolean NOT NULL,
    channel varchar NOT NULL,
    steps integer NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    paid_at timestamptz,
    check_at timestamptz
) WITH (fillfactor = 60);

CREATE INDEX ix_payment_request_payer_digest ON payment_request (payer_digest);

CREATE INDEX ix_payment_request_transaction_id ON payment_request (transaction_id);

CREATE INDEX payment_request_listed ON payment_request (dfsp_id, id);

CREATE INDEX payment_request_of_merchant ON payment_request (merchant_id, id);

CREATE INDEX payment_request_reference ON payment_request (counter_id, short_ref);

-- The steps of a request.
CREATE TABLE payment_event (
    request_id uuid NOT NULL REFERENCES payment_request (id),
    seq integer NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    at timestamptz NOT NULL,
    state varchar NOT NULL,
    cause varchar NOT NULL,
    detail varchar,
    PRIMARY KEY (request_id, seq)
);

-- A quote that a payer's DFSP asked for, and the answer.
CREATE TABLE quote (
    payer_fsp_id varchar NOT NULL,
    quote_id varchar(36) NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid NOT NULL REFERENCES merchant (id),
    counter_id uuid NOT NULL REFERENCES counter (id),
    request_id uuid,
    transaction_id varchar(36) NOT NULL,
    body_hash bytea NOT NULL,
    answer bytea,
    amount_minor bigint NOT NULL,
    currency varchar NOT NULL,
    condition varchar,
    payer_masked varchar,
    note varchar,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (payer_fsp_id, quote_id)
);

CREATE INDEX quote_condition ON quote (condition);

CREATE INDEX quote_request ON quote (request_id);

-- A transfer, from its reservation to its end.
CREATE TABLE transfer (
    payer_fsp_id varchar NOT NULL,
    transfer_id varchar(36) NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid NOT NULL REFERENCES merchant (id),
    quote_id varchar(36) NOT NULL,
    request_id uuid,
    state varchar NOT NULL,
    amount_minor bigint NOT NULL,
    currency varchar NOT NULL,
    usage_day varchar NOT NULL,
    body_hash bytea NOT NULL,
    answer bytea,
    expires_at timestamptz NOT NULL,
    reserved_at timestamptz NOT NULL,
    ended_at timestamptz,
    check_at timestamptz,
    PRIMARY KEY (payer_fsp_id, transfer_id),
    UNIQUE (payer_fsp_id, quote_id)
);

CREATE INDEX ix_transfer_request_id ON transfer (request_id);

CREATE INDEX transfer_unsettled ON transfer (check_at) WHERE state = 'RESERVED';

-- Money that arrived.
CREATE TABLE payment (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid NOT NULL REFERENCES merchant (id),
    counter_id uuid NOT NULL REFERENCES counter (id),
    request_id uuid,
    payer_fsp_id varchar NOT NULL,
    transfer_id varchar(36) NOT NULL,
    transaction_id varchar(36) NOT NULL,
    amount_minor bigint NOT NULL,
    currency varchar NOT NULL,
    payer_masked varchar,
    note varchar,
    received_at timestamptz NOT NULL,
    UNIQUE (payer_fsp_id, transfer_id)
);

CREATE INDEX payment_listed ON payment (dfsp_id, id);

CREATE INDEX payment_of_counter ON payment (counter_id, id);

-- What a merchant took in a day or month, against its limits.
CREATE TABLE limit_usage (
    merchant_id uuid NOT NULL REFERENCES merchant (id),
    period varchar NOT NULL,
    currency varchar NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    taken_minor bigint NOT NULL,
    payments integer NOT NULL,
    PRIMARY KEY (merchant_id, period, currency)
);

-- What a payer's DFSP may look up beside a counter's number: an open request by its reference.
CREATE TABLE open_reference (
    alias_type varchar NOT NULL,
    alias varchar NOT NULL,
    sub_id varchar NOT NULL,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    counter_id uuid NOT NULL,
    request_id uuid NOT NULL,
    currency varchar NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (alias_type, alias, sub_id)
);

CREATE INDEX ix_open_reference_dfsp_id ON open_reference (dfsp_id);

CREATE INDEX ix_open_reference_expires_at ON open_reference (expires_at);

CREATE INDEX ix_open_reference_request_id ON open_reference (request_id);
