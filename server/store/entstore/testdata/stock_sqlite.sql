-- 100,000 holds of 1,000 SKUs: one in a hundred open and about to lapse, one in a hundred backordered.
-- An id has its dashes: a text of digits, or of digits and one e, would become a number in a column of type uuid.
INSERT INTO stock_levels (sku, slot, on_hand, held, backordered, backorder_limit, update_time)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
SELECT 'sku_' || i, i, 1000, 2, 1, 10, '2025-01-01 00:00:00+00:00' FROM n;
INSERT INTO holds (id, slot, create_time, update_time, order_id, sku, quantity, committed, state, expire_time)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
SELECT printf('00000000-0000-7000-8000-%012x', i), i % 1000, '2025-01-01 00:00:00+00:00', '2025-01-01 00:00:00+00:00',
  printf('00000000-0000-7000-8000-%012x', i), 'sku_' || (i % 1000), 1, 0, CASE i / 1000 WHEN 0 THEN 1 WHEN 1 THEN 2 ELSE 6 END,
  CASE i / 1000 WHEN 0 THEN datetime('2025-01-01', i || ' seconds') || '+00:00' END
FROM n;
INSERT INTO stock_adjustments (id, slot, sku, delta, reason, time)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
SELECT printf('00000000-0000-7000-8000-%012x', i), i % 1000, 'sku_' || (i % 1000), 1, 1, '2025-01-01 00:00:00+00:00' FROM n;
INSERT INTO stock_commits (id, slot, order_id, sku, quantity, committed, fingerprint, time)
SELECT id, slot, order_id, sku, 1, 1, x'', '2025-01-01 00:00:00+00:00' FROM holds WHERE state = 6;
ANALYZE;
