-- What merchants are told.

-- Where events are sent.
CREATE TABLE webhook_endpoint (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid REFERENCES merchant (id),
    url varchar NOT NULL,
    secret_sealed bytea NOT NULL,
    event_types text[] NOT NULL,
    enabled boolean NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX ix_webhook_endpoint_dfsp_id ON webhook_endpoint (dfsp_id);

-- One event on its way to one endpoint.
CREATE TABLE webhook_delivery (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoint (id),
    event_id uuid NOT NULL,
    event_type varchar NOT NULL,
    body bytea NOT NULL,
    state varchar NOT NULL,
    attempts integer NOT NULL,
    response_status integer,
    response_start varchar,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz
);

CREATE INDEX ix_webhook_delivery_dfsp_id ON webhook_delivery (dfsp_id);

CREATE INDEX webhook_delivery_listed ON webhook_delivery (endpoint_id, created_at);

-- A text message; the recipient's number is masked.
CREATE TABLE sms_message (
    id uuid PRIMARY KEY,
    dfsp_id uuid NOT NULL REFERENCES dfsp (id),
    merchant_id uuid NOT NULL REFERENCES merchant (id),
    phone_masked varchar NOT NULL,
    text varchar NOT NULL,
    state varchar NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at timestamptz
);

CREATE INDEX ix_sms_message_dfsp_id ON sms_message (dfsp_id);

CREATE INDEX ix_sms_message_merchant_id ON sms_message (merchant_id);

-- A short-lived right to listen to live events.
CREATE TABLE event_ticket (
    digest bytea PRIMARY KEY,
    actor bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
