-- Create "holds" table
CREATE TABLE "holds" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "create_time" timestamptz NOT NULL,
  "update_time" timestamptz NOT NULL,
  "order_id" uuid NOT NULL,
  "sku" text NOT NULL COLLATE "C",
  "quantity" bigint NOT NULL,
  "committed" bigint NOT NULL DEFAULT 0,
  "state" smallint NOT NULL,
  "expire_time" timestamptz NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "hold_quantity" CHECK ((committed >= 0) AND (committed <= quantity)),
  CONSTRAINT "hold_slot" CHECK ((slot >= 0) AND (slot < 4096)),
  CONSTRAINT "hold_state" CHECK ((state >= 1) AND (state <= 6))
);
-- Create index "hold_expire_time" to table: "holds"
CREATE INDEX "hold_expire_time" ON "holds" ("expire_time") WHERE (expire_time IS NOT NULL);
-- Create index "hold_order_id" to table: "holds"
CREATE INDEX "hold_order_id" ON "holds" ("order_id");
-- Create index "hold_sku_order_id" to table: "holds"
CREATE UNIQUE INDEX "hold_sku_order_id" ON "holds" ("sku", "order_id");
-- Create index "hold_sku_state_order_id" to table: "holds"
CREATE INDEX "hold_sku_state_order_id" ON "holds" ("sku", "state", "order_id") WHERE (state = 2);
-- Create "ledger_entries" table
CREATE TABLE "ledger_entries" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "payment_id" uuid NOT NULL,
  "movement" smallint NOT NULL,
  "debit" smallint NOT NULL,
  "credit" smallint NOT NULL,
  "amount_minor" bigint NOT NULL,
  "currency" character(3) NOT NULL,
  "time" timestamptz NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ledger_entry_amount" CHECK ((amount_minor > 0) AND (debit <> credit)),
  CONSTRAINT "ledger_entry_slot" CHECK ((slot >= 0) AND (slot < 4096))
);
-- Create "orders" table
CREATE TABLE "orders" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "create_time" timestamptz NOT NULL,
  "update_time" timestamptz NOT NULL,
  "customer_id" text NOT NULL COLLATE "C",
  "source" text NOT NULL COLLATE "C",
  "number" text NOT NULL COLLATE "C",
  "lifecycle" smallint NOT NULL,
  "payment_status" smallint NOT NULL,
  "fulfillment_status" smallint NOT NULL,
  "currency" character(3) NOT NULL,
  "lines" jsonb NOT NULL,
  "shipping_minor" bigint NOT NULL,
  "total_minor" bigint NOT NULL,
  "ship_to" jsonb NULL,
  "note" character varying NOT NULL,
  "cancel_reason" character varying NOT NULL,
  "payment_method" character varying NOT NULL DEFAULT '',
  "placements" bigint NOT NULL DEFAULT 0,
  "confirm_time" timestamptz NULL,
  "progress" jsonb NULL,
  "version" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "order_slot" CHECK ((slot >= 0) AND (slot < 4096)),
  CONSTRAINT "order_total" CHECK ((total_minor >= 0) AND (shipping_minor >= 0)),
  CONSTRAINT "order_version" CHECK (version >= 1)
);
-- Create index "order_fulfillment_status_id" to table: "orders"
CREATE INDEX "order_fulfillment_status_id" ON "orders" ("fulfillment_status", "id");
-- Create index "order_lifecycle_id" to table: "orders"
CREATE INDEX "order_lifecycle_id" ON "orders" ("lifecycle", "id");
-- Create index "order_number_id" to table: "orders"
CREATE INDEX "order_number_id" ON "orders" ("number", "id") WHERE (number <> ''::text);
-- Create index "order_payment_status_id" to table: "orders"
CREATE INDEX "order_payment_status_id" ON "orders" ("payment_status", "id");
-- Create index "order_slot_customer_id_id" to table: "orders"
CREATE INDEX "order_slot_customer_id_id" ON "orders" ("slot", "customer_id", "id");
-- Create "order_events" table
CREATE TABLE "order_events" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "time" timestamptz NOT NULL,
  "change" bytea NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "order_event_slot" CHECK ((slot >= 0) AND (slot < 4096))
);
-- Create "order_returns" table
CREATE TABLE "order_returns" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "create_time" timestamptz NOT NULL,
  "update_time" timestamptz NOT NULL,
  "customer_id" text NOT NULL COLLATE "C",
  "source" text NOT NULL COLLATE "C",
  "number" text NOT NULL COLLATE "C",
  "status" smallint NOT NULL,
  "currency" character(3) NOT NULL,
  "lines" jsonb NOT NULL,
  "total_minor" bigint NOT NULL,
  "order_id" uuid NULL,
  "progress" jsonb NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "order_return_slot" CHECK ((slot >= 0) AND (slot < 4096))
);
-- Create index "orderreturn_number_id" to table: "order_returns"
CREATE INDEX "orderreturn_number_id" ON "order_returns" ("number", "id") WHERE (number <> ''::text);
-- Create index "orderreturn_slot_customer_id_id" to table: "order_returns"
CREATE INDEX "orderreturn_slot_customer_id_id" ON "order_returns" ("slot", "customer_id", "id");
-- Create "payments" table
CREATE TABLE "payments" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "create_time" timestamptz NOT NULL,
  "update_time" timestamptz NOT NULL,
  "order_id" uuid NOT NULL,
  "customer_id" text NOT NULL COLLATE "C",
  "gateway" character varying NOT NULL,
  "currency" character(3) NOT NULL,
  "amount_minor" bigint NOT NULL,
  "state" smallint NOT NULL,
  "auth_state" smallint NOT NULL,
  "authorization" character varying NOT NULL,
  "authorized_minor" bigint NOT NULL,
  "captured_minor" bigint NOT NULL,
  "released_minor" bigint NOT NULL,
  "refunded_minor" bigint NOT NULL,
  "capture_pending_minor" bigint NOT NULL,
  "refund_pending_minor" bigint NOT NULL,
  "open_captures" bigint NOT NULL,
  "open_unknown" bigint NOT NULL,
  "void_state" smallint NOT NULL,
  "decline" character varying NOT NULL,
  "redirect_url" character varying NOT NULL,
  "expire_time" timestamptz NULL,
  "version" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "payment_amount" CHECK ((amount_minor > 0) AND (authorized_minor >= 0) AND (authorized_minor <= amount_minor)),
  CONSTRAINT "payment_captured" CHECK ((captured_minor >= 0) AND (released_minor >= 0) AND (capture_pending_minor >= 0) AND (((captured_minor + released_minor) + capture_pending_minor) <= authorized_minor)),
  CONSTRAINT "payment_open" CHECK ((open_captures >= 0) AND (open_unknown >= 0)),
  CONSTRAINT "payment_refunded" CHECK ((refunded_minor >= 0) AND (refund_pending_minor >= 0) AND ((refunded_minor + refund_pending_minor) <= captured_minor)),
  CONSTRAINT "payment_slot" CHECK ((slot >= 0) AND (slot < 4096)),
  CONSTRAINT "payment_version" CHECK (version >= 1)
);
-- Create index "payment_state_id" to table: "payments"
CREATE INDEX "payment_state_id" ON "payments" ("state", "id");
-- Create "payment_events" table
CREATE TABLE "payment_events" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "payment_id" uuid NOT NULL,
  "event_id" character varying NOT NULL,
  "create_time" timestamptz NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "payment_event_slot" CHECK ((slot >= 0) AND (slot < 4096))
);
-- Create index "paymentevent_create_time" to table: "payment_events"
CREATE INDEX "paymentevent_create_time" ON "payment_events" ("create_time");
-- Create "payment_operations" table
CREATE TABLE "payment_operations" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "create_time" timestamptz NOT NULL,
  "update_time" timestamptz NOT NULL,
  "payment_id" uuid NOT NULL,
  "kind" smallint NOT NULL,
  "key" character varying NOT NULL,
  "fingerprint" bytea NOT NULL,
  "amount_minor" bigint NOT NULL,
  "final" boolean NOT NULL,
  "state" smallint NOT NULL,
  "held_minor" bigint NOT NULL,
  "sends" bigint NOT NULL,
  "sent_time" timestamptz NOT NULL,
  "reference" character varying NOT NULL,
  "reason" character varying NOT NULL,
  "note" character varying NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "payment_operation_amount" CHECK ((amount_minor >= 0) AND (held_minor >= 0)),
  CONSTRAINT "payment_operation_slot" CHECK ((slot >= 0) AND (slot < 4096))
);
-- Create index "paymentoperation_update_time" to table: "payment_operations"
CREATE INDEX "paymentoperation_update_time" ON "payment_operations" ("update_time") WHERE (state = ANY (ARRAY[2, 3]));
-- Create "products" table
CREATE TABLE "products" (
  "sku" text NOT NULL COLLATE "C",
  "slot" smallint NOT NULL,
  "create_time" timestamptz NOT NULL,
  "update_time" timestamptz NOT NULL,
  "name" character varying NOT NULL,
  "unit_price_minor" bigint NOT NULL,
  "currency" character(3) NOT NULL,
  "discontinued" boolean NOT NULL,
  "version" bigint NOT NULL,
  "backorder_limit" bigint NOT NULL DEFAULT 0,
  PRIMARY KEY ("sku"),
  CONSTRAINT "product_price" CHECK (unit_price_minor >= 0)
);
-- Create "requests" table
CREATE TABLE "requests" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "fingerprint" bytea NOT NULL,
  "order_id" uuid NULL,
  "version" bigint NOT NULL DEFAULT 0,
  "answer" bytea NULL,
  "create_time" timestamptz NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "request_slot" CHECK ((slot >= 0) AND (slot < 4096))
);
-- Create index "request_create_time" to table: "requests"
CREATE INDEX "request_create_time" ON "requests" ("create_time");
-- Create "risk_assessments" table
CREATE TABLE "risk_assessments" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "score" bigint NOT NULL,
  "outcome" smallint NOT NULL,
  "reasons" jsonb NOT NULL,
  "shadow" boolean NOT NULL,
  "create_time" timestamptz NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "risk_assessment_slot" CHECK ((slot >= 0) AND (slot < 4096))
);
-- Create "sagas" table
CREATE TABLE "sagas" (
  "saga_key" text NOT NULL COLLATE "C",
  "slot" smallint NOT NULL,
  "create_time" timestamptz NOT NULL,
  "update_time" timestamptz NOT NULL,
  "subject" character varying NOT NULL,
  "saga" character varying NOT NULL,
  "state" smallint NOT NULL,
  "undoing" boolean NOT NULL,
  "step" smallint NOT NULL,
  "attempts" integer NOT NULL,
  "reason" character varying NOT NULL,
  "cause" character varying NOT NULL,
  "ticket" bigint NOT NULL,
  "wake_time" timestamptz NOT NULL,
  "deadline" timestamptz NOT NULL,
  PRIMARY KEY ("saga_key"),
  CONSTRAINT "saga_slot" CHECK ((slot >= 0) AND (slot < 4096)),
  CONSTRAINT "saga_state" CHECK ((state >= 1) AND (state <= 6))
);
-- Create index "saga_unfinished" to table: "sagas"
CREATE INDEX "saga_unfinished" ON "sagas" ("saga_key") WHERE (state < 5);
-- Create index "saga_wake_time" to table: "sagas"
CREATE INDEX "saga_wake_time" ON "sagas" ("wake_time") WHERE (state < 5);
-- Create "server_keys" table
CREATE TABLE "server_keys" (
  "name" character varying NOT NULL,
  "key" bytea NOT NULL,
  "create_time" timestamptz NOT NULL,
  PRIMARY KEY ("name")
);
-- Create "shard_ranges" table
CREATE TABLE "shard_ranges" (
  "first_slot" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "last_slot" bigint NOT NULL,
  "shard" bigint NOT NULL,
  "epoch" bigint NOT NULL,
  PRIMARY KEY ("first_slot")
);
-- Create "stock_adjustments" table
CREATE TABLE "stock_adjustments" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "sku" text NOT NULL COLLATE "C",
  "delta" bigint NOT NULL,
  "reason" smallint NOT NULL,
  "time" timestamptz NOT NULL,
  PRIMARY KEY ("id")
);
-- Create index "stockadjustment_sku_id" to table: "stock_adjustments"
CREATE INDEX "stockadjustment_sku_id" ON "stock_adjustments" ("sku", "id");
-- Create "stock_commits" table
CREATE TABLE "stock_commits" (
  "id" uuid NOT NULL,
  "slot" smallint NOT NULL,
  "order_id" uuid NOT NULL,
  "sku" text NOT NULL COLLATE "C",
  "quantity" bigint NOT NULL,
  "committed" bigint NOT NULL,
  "fingerprint" bytea NOT NULL,
  "time" timestamptz NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "stock_commit_quantity" CHECK (quantity >= 1),
  CONSTRAINT "stock_commit_slot" CHECK ((slot >= 0) AND (slot < 4096))
);
-- Create index "stockcommit_sku_id" to table: "stock_commits"
CREATE INDEX "stockcommit_sku_id" ON "stock_commits" ("sku", "id");
-- Create "stock_levels" table
CREATE TABLE "stock_levels" (
  "sku" text NOT NULL COLLATE "C",
  "slot" smallint NOT NULL,
  "on_hand" bigint NOT NULL,
  "held" bigint NOT NULL DEFAULT 0,
  "update_time" timestamptz NOT NULL,
  "backordered" bigint NOT NULL DEFAULT 0,
  "backorder_limit" bigint NOT NULL DEFAULT 0,
  PRIMARY KEY ("sku"),
  CONSTRAINT "stock_level_backordered" CHECK ((backordered >= 0) AND (backordered <= held) AND ((held - backordered) <= on_hand)),
  CONSTRAINT "stock_level_covered" CHECK ((held >= 0) AND (held <= (on_hand + backorder_limit)))
);
