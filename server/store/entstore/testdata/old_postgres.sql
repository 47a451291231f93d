-- 100,000 orders, one a second, each with a return, a request, an event of a gateway and a saga, all
-- but the newest ones finished.
INSERT INTO orders (id, slot, create_time, update_time, customer_id, source, number, lifecycle, payment_status,
  fulfillment_status, currency, lines, shipping_minor, total_minor, note, cancel_reason, version)
SELECT CAST(lpad(to_hex(1700000000000 + i * 1000), 12, '0') || '7' || lpad(to_hex(i % 4096), 3, '0') || '8' || lpad(to_hex(i % 997), 3, '0') || lpad(to_hex(i), 8, '0') || '0000' AS uuid),
  i % 4096, to_timestamp(1700000000 + i), to_timestamp(1700000000 + i),
  'cus_' || (i % 5000), '', '', 6, 1, 1, 'GBP', '[]', 0, 0, '', '', 1
FROM generate_series(CAST(0 AS bigint), 99999) AS i;
INSERT INTO requests (id, slot, fingerprint, order_id, version, create_time)
SELECT CAST(md5(CAST(id AS text)) AS uuid), slot, decode(repeat('00', 32), 'hex'), id, 1, create_time FROM orders;
INSERT INTO payment_events (id, slot, payment_id, event_id, create_time) SELECT id, slot, id, 'evt', create_time FROM orders;
INSERT INTO order_returns (id, slot, create_time, update_time, customer_id, source, number, status, currency, lines, total_minor, order_id)
SELECT id, slot, create_time, update_time, customer_id, '', '', 6, 'GBP', '[]', 0, id FROM orders;
INSERT INTO risk_assessments (id, slot, score, outcome, reasons, shadow, create_time)
SELECT id, slot, 1, 1, '[]', false, create_time FROM orders;
INSERT INTO sagas (saga_key, slot, create_time, update_time, subject, saga, state, undoing, step, attempts, reason, cause, ticket, wake_time, deadline)
SELECT 'ord_01hf' || lpad(CAST(extract(epoch FROM create_time) AS text), 22, '0') || '/place', slot, create_time, update_time, 'x', 'place',
  CASE WHEN create_time < to_timestamp(1700099000) THEN 5 ELSE 1 END, false, 0, 0, '', '', 0, create_time, create_time
FROM orders;
VACUUM ANALYZE;
