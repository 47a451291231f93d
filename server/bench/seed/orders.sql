-- The orders of one shard, slots $1 to $2, out of $3 orders of $3/100 customers, one a second from
-- 2020 on, each with its event. $4 is the event's change, in which cus_@@@@@@@ stands for the customer.
WITH numbered AS (
  SELECT n, 'cus_' || lpad((n % ($3::int / 100))::text, 7, '0') AS customer,
         timestamptz '2020-01-01 00:00:00Z' + n * interval '1 second' AS time
  FROM generate_series(1, $3::int) AS n
), slotted AS (
  SELECT *, get_byte(sha256(customer::bytea), 0) * 16 + get_byte(sha256(customer::bytea), 1) / 16 AS slot FROM numbered
), mine AS MATERIALIZED (
  SELECT *, lpad(to_hex((extract(epoch FROM time) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(slot), 3, '0')
    || 'a' || substr(md5(n::text), 1, 11) AS key
  FROM slotted WHERE slot BETWEEN $1::int AND $2::int
), added AS (
  INSERT INTO orders (id, slot, create_time, update_time, customer_id, source, number, lifecycle, payment_status,
    fulfillment_status, currency, lines, shipping_minor, total_minor, ship_to, note, cancel_reason, placements, version)
  SELECT (key || '0000')::uuid, slot, time, time, customer, '', '', 2, 1, 1, 'GBP',
    '[{"sku":"SKU-22423","quantity":6,"unit_price":255},{"sku":"SKU-47566","quantity":6,"unit_price":339},{"sku":"SKU-84879","quantity":8,"unit_price":275}]',
    0, 5764, NULL, '', '', 1, 1
  FROM mine
)
INSERT INTO order_events (id, slot, time, change)
SELECT (key || '0001')::uuid, slot, time,
  decode(replace(encode($4::bytea, 'hex'), encode('cus_@@@@@@@', 'hex'), encode(customer::bytea, 'hex')), 'hex')
FROM mine
