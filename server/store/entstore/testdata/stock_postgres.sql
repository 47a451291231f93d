-- 100,000 holds of 1,000 SKUs: one in a hundred open and about to lapse, one in a hundred backordered.
INSERT INTO stock_levels (sku, slot, on_hand, held, backordered, backorder_limit, update_time)
SELECT 'sku_' || i, i, 1000, 2, 1, 10, '2025-01-01Z' FROM generate_series(0, 999) AS i;
INSERT INTO holds (id, slot, create_time, update_time, order_id, sku, quantity, committed, state, expire_time)
SELECT gen_random_uuid(), i % 1000, '2025-01-01Z', '2025-01-01Z', gen_random_uuid(), 'sku_' || (i % 1000), 1, 0,
  CASE i / 1000 WHEN 0 THEN 1 WHEN 1 THEN 2 ELSE 6 END,
  CASE i / 1000 WHEN 0 THEN CAST('2025-01-01Z' AS timestamptz) + i * interval '1 second' END
FROM generate_series(0, 99999) AS i;
INSERT INTO stock_adjustments (id, slot, sku, delta, reason, time)
SELECT gen_random_uuid(), i % 1000, 'sku_' || (i % 1000), 1, 1, '2025-01-01Z' FROM generate_series(0, 99999) AS i;
INSERT INTO stock_commits (id, slot, order_id, sku, quantity, committed, fingerprint, time)
SELECT id, slot, order_id, sku, 1, 1, '', '2025-01-01Z' FROM holds WHERE state = 6;
VACUUM ANALYZE;
