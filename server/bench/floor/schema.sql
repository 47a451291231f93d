-- The least that taking an order must leave behind: an order, its lines, an event, a job.
CREATE TABLE orders (
  id              uuid PRIMARY KEY,
  customer_id     text NOT NULL,
  status          smallint NOT NULL,
  currency        char(3) NOT NULL,
  total_minor     bigint NOT NULL,
  version         bigint NOT NULL DEFAULT 1,
  idempotency_key text NOT NULL,
  request_hash    bytea NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX orders_request ON orders (customer_id, idempotency_key);
CREATE INDEX orders_by_customer ON orders (customer_id, created_at DESC, id);

CREATE TABLE line (
  order_id         uuid NOT NULL REFERENCES orders,
  position         smallint NOT NULL,
  sku              text NOT NULL,
  quantity         int NOT NULL,
  unit_price_minor bigint NOT NULL,
  PRIMARY KEY (order_id, position)
);

CREATE TABLE event (
  id         bigserial PRIMARY KEY,
  order_id   uuid NOT NULL,
  kind       text NOT NULL,
  payload    bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE job (
  id           bigserial PRIMARY KEY,
  order_id     uuid NOT NULL,
  kind         text NOT NULL,
  state        smallint NOT NULL DEFAULT 0,
  scheduled_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX job_due ON job (state, scheduled_at, id);
