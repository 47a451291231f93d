-- 100,000 orders, one a second, each with a return, a request, an event of a gateway and a saga, all
-- but the newest ones finished.
INSERT INTO orders (id, slot, create_time, update_time, customer_id, source, number, lifecycle, payment_status,
  fulfillment_status, currency, lines, shipping_minor, total_minor, note, cancel_reason, version)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
SELECT printf('%08x-%04x-7%03x-8%03x-%08x0000', (1700000000000 + i * 1000) >> 16, (1700000000000 + i * 1000) & 65535, i % 4096, i % 997, i),
  i % 4096, datetime(1700000000 + i, 'unixepoch') || '+00:00', datetime(1700000000 + i, 'unixepoch') || '+00:00',
  'cus_' || (i % 5000), '', '', 6, 1, 1, 'GBP', '[]', 0, 0, '', '', 1
FROM n;
INSERT INTO requests (id, slot, fingerprint, order_id, version, create_time)
SELECT substr(id, 25, 8) || '-0000-4000-8000-' || substr(id, 1, 8) || '0000', slot, zeroblob(32), id, 1, create_time FROM orders;
INSERT INTO payment_events (id, slot, payment_id, event_id, create_time) SELECT id, slot, id, 'evt', create_time FROM orders;
INSERT INTO order_returns (id, slot, create_time, update_time, customer_id, source, number, status, currency, lines, total_minor, order_id)
SELECT id, slot, create_time, update_time, customer_id, '', '', 6, 'GBP', '[]', 0, id FROM orders;
INSERT INTO risk_assessments (id, slot, score, outcome, reasons, shadow, create_time)
SELECT id, slot, 1, 1, '[]', false, create_time FROM orders;
INSERT INTO sagas (saga_key, slot, create_time, update_time, subject, saga, state, undoing, step, attempts, reason, cause, ticket, wake_time, deadline)
SELECT 'ord_01hf' || printf('%022d', rowid) || '/place', slot, create_time, update_time, 'x', 'place',
  CASE WHEN rowid < 99000 THEN 5 ELSE 1 END, false, 0, 0, '', '', 0, create_time, create_time
FROM orders;
ANALYZE;
