-- 100,000 orders of 5,000 customers, one a second, with an event and a request each; 20,000 returns
-- and products.
INSERT INTO orders
SELECT CAST(lpad(to_hex(1700000000000 + i * 1000), 12, '0') || '7' || lpad(to_hex(i % 4096), 3, '0') || '8' || lpad(to_hex(i % 997), 3, '0') || lpad(to_hex(i), 8, '0') || '0000' AS uuid),
  i % 4096, '2025-01-01Z', '2025-01-01Z', 'cus_' || (i % 5000), 'shop',
  CASE WHEN i % 10 = 0 THEN '' ELSE CAST(i AS text) END,
  CASE WHEN i < 90000 THEN 6 WHEN i % 4 = 0 THEN 8 ELSE 2 END, 1, CASE WHEN i < 90000 THEN 5 ELSE 1 END,
  'GBP', '[]', 0, 0, NULL, '', '', '', 1, NULL, NULL, 1
FROM generate_series(CAST(0 AS bigint), 99999) AS i;
INSERT INTO order_events
SELECT CAST(substr(CAST(id AS text), 1, 32) || '0001' AS uuid), slot, create_time, '' FROM orders;
INSERT INTO requests
SELECT CAST(md5(CAST(id AS text)) AS uuid), slot, decode(repeat('00', 32), 'hex'), id, 1, NULL, create_time FROM orders;
INSERT INTO order_returns
SELECT id, slot, create_time, update_time, customer_id, source, number, 6, 'GBP', '[]', 0, NULL, NULL
FROM orders WHERE hashtext(CAST(id AS text)) % 5 = 0;
INSERT INTO products (sku, slot, create_time, update_time, name, unit_price_minor, currency, discontinued, version)
SELECT 'sku_' || number, slot, create_time, update_time, 'x', 1, 'GBP', false, 1 FROM order_returns WHERE number <> '';
INSERT INTO stock_levels (sku, slot, on_hand, held, update_time) SELECT sku, slot, 1000, 0, create_time FROM products;
VACUUM ANALYZE;
