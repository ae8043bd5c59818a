-- Who may do what: rights by table, then the rows that each tenant sees.

GRANT USAGE ON SCHEMA public TO merchant_app, merchant_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    scheme, dfsp, scheme_key, application, application_identifier, application_version, decision,
    screening_decision, merchant, location, counter, alias_claim, alias, app_user, api_key, payment_request,
    payment_event, quote, transfer, payment, limit_usage, open_reference, webhook_endpoint, webhook_delivery,
    sms_message, event_ticket, outbox, inbox, idempotency_key, audit_entry, audit_head, ussd_session
    TO merchant_system;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    scheme, dfsp, application, application_identifier, application_version, screening_decision, merchant,
    location, counter, alias_claim, alias, app_user, api_key, payment_request, quote, transfer, payment,
    limit_usage, open_reference, webhook_endpoint, webhook_delivery, sms_message, idempotency_key, audit_head
    TO merchant_app;

-- People and API keys only add to these.
GRANT SELECT, INSERT ON decision, payment_event, audit_entry TO merchant_app;

-- Only the service itself reads these.
GRANT INSERT ON scheme_key, event_ticket, outbox, inbox, ussd_session TO merchant_app;

GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO merchant_app, merchant_system;

-- The service names tenants in its SQL and sees every row of what is walled off.
DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY[
        'scheme', 'dfsp', 'application', 'application_identifier', 'application_version', 'decision',
        'screening_decision', 'merchant', 'location', 'counter', 'alias_claim', 'alias', 'app_user',
        'api_key', 'payment_request', 'payment_event', 'quote', 'transfer', 'payment', 'limit_usage',
        'open_reference', 'webhook_endpoint', 'webhook_delivery', 'sms_message', 'idempotency_key',
        'audit_entry', 'audit_head'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY service ON %I TO merchant_system USING (true) WITH CHECK (true)', walled);
    END LOOP;
END $$;

-- Tenants see their own rows, and hub staff see all. The scope is cast, not the column, so that an index on the
-- column serves.
DO $$
DECLARE
    walled text;
    rule CONSTANT text := $rule$
        dfsp_id = CASE WHEN current_setting('app.dfsp_id', true) IN ('', 'hub') THEN NULL
                       ELSE current_setting('app.dfsp_id', true)::uuid END
        OR current_setting('app.dfsp_id', true) = 'hub'
    $rule$;
BEGIN
    FOREACH walled IN ARRAY ARRAY[
        'application', 'application_identifier', 'application_version', 'decision', 'screening_decision',
        'merchant', 'location', 'counter', 'alias_claim', 'alias', 'app_user', 'api_key', 'payment_request',
        'payment_event', 'quote', 'transfer', 'payment', 'limit_usage', 'open_reference', 'webhook_endpoint',
        'webhook_delivery', 'sms_message', 'audit_entry', 'audit_head'
    ] LOOP
        EXECUTE format('CREATE POLICY tenant ON %I TO merchant_app USING (%s) WITH CHECK (%s)', walled, rule, rule);
    END LOOP;
END $$;

-- Keys of hub staff stand here too, under the word 'hub', so this column is text.
CREATE POLICY tenant ON idempotency_key TO merchant_app
    USING (dfsp_id::text = current_setting('app.dfsp_id', true) OR current_setting('app.dfsp_id', true) = 'hub')
    WITH CHECK (dfsp_id::text = current_setting('app.dfsp_id', true) OR current_setting('app.dfsp_id', true) = 'hub');

-- What every tenant may read whole, and only hub staff change.
DO $$
DECLARE
    shared text;
    rule CONSTANT text := $rule$current_setting('app.dfsp_id', true) = 'hub'$rule$;
BEGIN
    FOREACH shared IN ARRAY ARRAY['scheme', 'dfsp'] LOOP
        EXECUTE format('CREATE POLICY everyone_reads ON %I FOR SELECT TO merchant_app USING (true)', shared);
        EXECUTE format('CREATE POLICY hub_writes ON %I TO merchant_app USING (%s) WITH CHECK (%s)', shared, rule, rule);
    END LOOP;
END $$;
