-- One order, one transaction, sent in one go: begin, a statement that writes all four tables, commit.
\set customer random(1, 100000)
\set request random(1, 2000000000)
\startpipeline
BEGIN;
WITH placed AS (
  INSERT INTO orders (id, customer_id, status, currency, total_minor, idempotency_key, request_hash)
  VALUES (gen_random_uuid(), 'cus_' || :customer, 1, 'GBP', 6261, 'key-' || :request || '-' || :client_id,
          '\xa0a1a2a3a4a5a6a7a8a9aaabacadaeaf')
  RETURNING id
), lines AS (
  INSERT INTO line
  SELECT placed.id, l.* FROM placed, (VALUES
    (1, 'SKU-22423', 6, 255), (2, 'SKU-47566', 6, 339), (3, 'SKU-84879', 8, 275)) AS l
), events AS (
  INSERT INTO event (order_id, kind, payload)
  SELECT id, 'order.created', decode(repeat('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 4), 'hex') FROM placed
)
INSERT INTO job (order_id, kind) SELECT id, 'process_order' FROM placed;
COMMIT;
\endpipeline
