"""Many payments by one statement a table, for tests of plans and for measuring: requests, transfers, payments.

Every second payment was asked for. Ids are made as ours are, a second apart up to now; merchants, amounts, payers,
references and notes repeat as they do in life. The rows hang on merchants and counters that are there already, which
are multiplied first: a tenth of the payments are one merchant's, the others' are spread.
"""

from typing import Any
from uuid import UUID

import asyncpg

# More merchants and DFSPs by copying one row each; of counters one a merchant.
_DFSPS = """
INSERT INTO dfsp SELECT (jsonb_populate_record(null::dfsp, to_jsonb(d) || jsonb_build_object(
  'id', gen_random_uuid(), 'fsp_id', 'many' || n, 'name', 'Many ' || n))).*
FROM (SELECT * FROM dfsp ORDER BY id LIMIT 1) d CROSS JOIN generate_series(1, $1::int) n
"""
_MERCHANTS = """
INSERT INTO merchant SELECT (jsonb_populate_record(null::merchant, to_jsonb(m) || jsonb_build_object(
  'id', gen_random_uuid(), 'trading_name', 'Many ' || n,
  'dfsp_id', CASE WHEN n % 10 < 7 THEN m.dfsp_id ELSE (SELECT ids[1 + n % cardinality(ids)] FROM others) END))).*
FROM (SELECT * FROM merchant ORDER BY id LIMIT 1) m CROSS JOIN generate_series(1, $1::int) n
"""
_WITH_OTHERS = "WITH others AS (SELECT array_agg(id ORDER BY id) AS ids FROM dfsp) "
_COUNTERS = """
INSERT INTO counter SELECT (jsonb_populate_record(null::counter, to_jsonb(c) || jsonb_build_object(
  'id', gen_random_uuid(), 'merchant_id', m.id, 'dfsp_id', m.dfsp_id, 'alias', (30000000 + m.n)::text))).*
FROM (SELECT * FROM counter ORDER BY id LIMIT 1) c
CROSS JOIN (SELECT id, dfsp_id, row_number() OVER (ORDER BY id) AS n FROM merchant WHERE trading_name LIKE 'Many %') m
"""
_PLACES = """
CREATE TEMPORARY TABLE place AS
SELECT row_number() OVER (ORDER BY c.id) - 1 AS place, c.id AS counter_id, c.merchant_id, c.dfsp_id, c.alias,
  c.alias_type
FROM counter c
"""
# n: the payment's number; an id of the second in which it came; 14 digits tell its request from others.
_NUMBERED = """
CREATE TEMPORARY TABLE numbered AS
SELECT n, p.counter_id, p.merchant_id, p.dfsp_id, p.alias, p.alias_type,
  now() - make_interval(secs => ($1::int - n)) AS at,
  ((lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - ($1::int - n)::bigint * 1000), 12, '0'))
    || '7' || substr(md5('p' || n), 1, 3) || '8' || substr(md5('q' || n), 1, 15))::uuid AS payment_id,
  ((lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - ($1::int - n)::bigint * 1000 - 500), 12, '0'))
    || '7' || substr(md5('r' || n), 1, 3) || '8' || substr(md5('s' || n), 1, 15))::uuid AS request_id,
  md5('t' || n)::uuid::text AS transfer_id, md5('u' || n)::uuid::text AS transaction_id,
  md5('v' || n)::uuid::text AS transaction_request_id,
  decode(md5('w' || (n * 7919::bigint % (1 + $1::int / 12))) || md5('x'), 'hex') AS payer_digest,
  (1 + n * 31::bigint % 400) * 2500 AS amount_minor,
  upper(translate(substr(md5('y' || n), 1, 8), '01', '2Z')) AS short_ref,
  CASE WHEN n % 3 = 0 THEN 'two coffees and ' || n END AS note
FROM generate_series(1, $1::int) n
JOIN place p ON p.place = CASE WHEN n % 10 = 0 THEN 0 ELSE n * 104729::bigint % (SELECT count(*) FROM place) END
"""
_REQUESTS = """
INSERT INTO payment_request (id, dfsp_id, merchant_id, counter_id, alias_type, alias, state, amount_minor, currency,
  payer_type, payer_digest, payer_masked, reference, note, short_ref, transaction_request_id, transaction_id,
  transfer_id, late, channel, steps, created_at, expires_at, paid_at)
SELECT request_id, dfsp_id, merchant_id, counter_id, alias_type, alias, 'paid', amount_minor, 'KES',
  'MSISDN', payer_digest, '2547*****001', 'INV-' || n, note, short_ref, transaction_request_id, transaction_id,
  transfer_id, false, 'api', 6, at, at + interval '5 minutes', at
FROM numbered WHERE n % 2 = 0 ORDER BY n
"""
_TRANSFERS = """
INSERT INTO transfer (payer_fsp_id, transfer_id, dfsp_id, merchant_id, quote_id, request_id, state, amount_minor,
  currency, usage_day, body_hash, expires_at, reserved_at)
SELECT 'mobilemoney', transfer_id, dfsp_id, merchant_id, transaction_id, CASE WHEN n % 2 = 0 THEN request_id END,
  'COMMITTED', amount_minor, 'KES', '2026-01-01', 'x', at, at
FROM numbered ORDER BY n
"""
_PAYMENTS = """
INSERT INTO payment (id, dfsp_id, merchant_id, counter_id, request_id, payer_fsp_id, transfer_id, transaction_id,
  amount_minor, currency, payer_masked, note, received_at, payer_digest)
SELECT payment_id, dfsp_id, merchant_id, counter_id, CASE WHEN n % 2 = 0 THEN request_id END, 'mobilemoney',
  transfer_id, transaction_id, amount_minor, 'KES', '2547*****001', note, at,
  CASE WHEN n % 20 <> 0 THEN payer_digest END
FROM numbered ORDER BY n
"""


async def fill(connection: Any, payments: int, *, merchants: int = 200, dfsps: int = 5) -> None:
    """Write so many payments, by the owner of the tables, and let PostgreSQL look at them."""
    await connection.execute(_DFSPS.replace("$1::int", str(dfsps)))
    await connection.execute((_WITH_OTHERS + _MERCHANTS).replace("$1::int", str(merchants)))
    await connection.execute(_COUNTERS)
    await connection.execute(_PLACES)
    await connection.execute(_NUMBERED.replace("$1::int", str(payments)))
    for statement in (_REQUESTS, _TRANSFERS, _PAYMENTS):
        await connection.execute(statement, timeout=3600)
    await connection.execute("DROP TABLE numbered, place")
    for table in ("merchant", "counter", "dfsp", "payment_request", "transfer", "payment"):
        await connection.execute(f"VACUUM ANALYZE {table}", timeout=3600)


SAMPLE = """
SELECT p.id, p.dfsp_id, p.merchant_id, p.counter_id, p.request_id, p.transfer_id, p.transaction_id, p.amount_minor,
  p.currency, coalesce(p.payer_digest, r.payer_digest) AS payer_digest, r.reference, r.short_ref, p.note,
  r.transaction_request_id, c.alias, p.received_at
FROM payment p LEFT JOIN payment_request r ON r.id = p.request_id JOIN counter c ON c.id = p.counter_id
WHERE p.id >= $1 AND p.merchant_id <> $3 ORDER BY p.id LIMIT $2
"""
LARGEST = "SELECT merchant_id FROM payment GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"


async def sample(connection: Any, size: int) -> list[asyncpg.Record]:
    """Payments to look for, from the whole time; every second one was asked for."""
    low, high = await connection.fetchrow("SELECT min(id::text)::uuid, max(id::text)::uuid FROM payment")
    largest = await connection.fetchval(LARGEST)
    found: list[asyncpg.Record] = []
    for step in range(size):
        start = UUID(int=low.int + (high.int - low.int) * step // (size + 1))
        found += await connection.fetch(SAMPLE, start, 2, largest)
    return found
