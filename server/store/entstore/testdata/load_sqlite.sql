-- 100,000 orders of 5,000 customers, one a second, with an event and a request each; 20,000 returns
-- and products.
INSERT INTO orders
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
SELECT printf('%08x-%04x-7%03x-8%03x-%08x0000', (1700000000000 + i * 1000) >> 16, (1700000000000 + i * 1000) & 65535, i % 4096, i % 997, i),
  i % 4096, '2025-01-01 00:00:00+00:00', '2025-01-01 00:00:00+00:00', 'cus_' || (i % 5000), 'shop',
  CASE WHEN i % 10 = 0 THEN '' ELSE CAST(i AS text) END,
  CASE WHEN i < 90000 THEN 6 WHEN i % 4 = 0 THEN 8 ELSE 2 END, 1, CASE WHEN i < 90000 THEN 5 ELSE 1 END,
  'GBP', '[]', 0, 0, NULL, '', '', '', 1, NULL, NULL, 1
FROM n;
INSERT INTO order_events SELECT substr(id, 1, 32) || '0001', slot, create_time, x'' FROM orders;
INSERT INTO requests
SELECT substr(id, 25, 8) || '-0000-4000-8000-' || substr(id, 1, 8) || '0000', slot, zeroblob(32), id, 1, NULL, create_time
FROM orders;
INSERT INTO order_returns
SELECT id, slot, create_time, update_time, customer_id, source, number, 6, 'GBP', '[]', 0, NULL, NULL
FROM orders WHERE rowid % 5 = 0;
INSERT INTO products (sku, slot, create_time, update_time, name, unit_price_minor, currency, discontinued, version)
SELECT 'sku_' || number, slot, create_time, update_time, 'x', 1, 'GBP', false, 1 FROM order_returns WHERE number <> '';
INSERT INTO stock_levels (sku, slot, on_hand, held, update_time) SELECT sku, slot, 1000, 0, create_time FROM products;
ANALYZE;
