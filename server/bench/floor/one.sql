-- One order, one transaction, one round trip a statement, as most programs write it.
\set customer random(1, 100000)
\set request random(1, 2000000000)
SELECT gen_random_uuid() AS id \gset
BEGIN;
INSERT INTO orders (id, customer_id, status, currency, total_minor, idempotency_key, request_hash)
  VALUES (:id, 'cus_' || :customer, 1, 'GBP', 6261, 'key-' || :request || '-' || :client_id,
          '\xa0a1a2a3a4a5a6a7a8a9aaabacadaeaf');
INSERT INTO line VALUES
  (:id, 1, 'SKU-22423', 6, 255), (:id, 2, 'SKU-47566', 6, 339), (:id, 3, 'SKU-84879', 8, 275);
INSERT INTO event (order_id, kind, payload)
  VALUES (:id, 'order.created', decode(repeat('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 4), 'hex'));
INSERT INTO job (order_id, kind) VALUES (:id, 'process_order');
COMMIT;
