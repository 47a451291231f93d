-- Create "orders" table
CREATE TABLE `orders` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `customer_id` text NOT NULL,
  `source` text NOT NULL,
  `number` text NOT NULL,
  `lifecycle` integer NOT NULL,
  `payment_status` integer NOT NULL,
  `fulfillment_status` integer NOT NULL,
  `currency` text NOT NULL,
  `lines` json NOT NULL,
  `shipping_minor` integer NOT NULL,
  `total_minor` integer NOT NULL,
  `ship_to` json NULL,
  `note` text NOT NULL,
  `cancel_reason` text NOT NULL,
  `version` integer NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `order_slot` CHECK (slot >= 0 AND slot < 4096),
  CONSTRAINT `order_total` CHECK (total_minor >= 0 AND shipping_minor >= 0),
  CONSTRAINT `order_version` CHECK (version >= 1)
);
-- Create index "order_slot_customer_id_id" to table: "orders"
CREATE INDEX `order_slot_customer_id_id` ON `orders` (`slot`, `customer_id`, `id`);
-- Create index "order_lifecycle_id" to table: "orders"
CREATE INDEX `order_lifecycle_id` ON `orders` (`lifecycle`, `id`);
-- Create index "order_payment_status_id" to table: "orders"
CREATE INDEX `order_payment_status_id` ON `orders` (`payment_status`, `id`);
-- Create index "order_fulfillment_status_id" to table: "orders"
CREATE INDEX `order_fulfillment_status_id` ON `orders` (`fulfillment_status`, `id`);
-- Create index "order_number_id" to table: "orders"
CREATE INDEX `order_number_id` ON `orders` (`number`, `id`) WHERE number <> '';
-- Create "order_events" table
CREATE TABLE `order_events` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `time` datetime NOT NULL,
  `change` blob NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `order_event_slot` CHECK (slot >= 0 AND slot < 4096)
);
-- Create "order_returns" table
CREATE TABLE `order_returns` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `customer_id` text NOT NULL,
  `source` text NOT NULL,
  `number` text NOT NULL,
  `status` integer NOT NULL,
  `currency` text NOT NULL,
  `lines` json NOT NULL,
  `total_minor` integer NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `order_return_slot` CHECK (slot >= 0 AND slot < 4096)
);
-- Create index "orderreturn_slot_customer_id_id" to table: "order_returns"
CREATE INDEX `orderreturn_slot_customer_id_id` ON `order_returns` (`slot`, `customer_id`, `id`);
-- Create index "orderreturn_number_id" to table: "order_returns"
CREATE INDEX `orderreturn_number_id` ON `order_returns` (`number`, `id`) WHERE number <> '';
-- Create "products" table
CREATE TABLE `products` (
  `sku` text NOT NULL,
  `slot` integer NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `name` text NOT NULL,
  `unit_price_minor` integer NOT NULL,
  `currency` text NOT NULL,
  `discontinued` bool NOT NULL,
  `version` integer NOT NULL,
  PRIMARY KEY (`sku`),
  CONSTRAINT `product_price` CHECK (unit_price_minor >= 0)
);
-- Create "requests" table
CREATE TABLE `requests` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `fingerprint` blob NOT NULL,
  `order_id` uuid NULL,
  `version` integer NOT NULL DEFAULT (0),
  `answer` blob NULL,
  `create_time` datetime NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `request_slot` CHECK (slot >= 0 AND slot < 4096)
);
-- Create index "request_create_time" to table: "requests"
CREATE INDEX `request_create_time` ON `requests` (`create_time`);
-- Create "server_keys" table
CREATE TABLE `server_keys` (
  `name` text NOT NULL,
  `key` blob NOT NULL,
  `create_time` datetime NOT NULL,
  PRIMARY KEY (`name`)
);
-- Create "shard_ranges" table
CREATE TABLE `shard_ranges` (
  `first_slot` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `last_slot` integer NOT NULL,
  `shard` integer NOT NULL,
  `epoch` integer NOT NULL
);
-- Create "stock_adjustments" table
CREATE TABLE `stock_adjustments` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `sku` text NOT NULL,
  `delta` integer NOT NULL,
  `reason` integer NOT NULL,
  `time` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
-- Create index "stockadjustment_sku_id" to table: "stock_adjustments"
CREATE INDEX `stockadjustment_sku_id` ON `stock_adjustments` (`sku`, `id`);
-- Create "stock_levels" table
CREATE TABLE `stock_levels` (
  `sku` text NOT NULL,
  `slot` integer NOT NULL,
  `on_hand` integer NOT NULL,
  `held` integer NOT NULL DEFAULT (0),
  `update_time` datetime NOT NULL,
  PRIMARY KEY (`sku`),
  CONSTRAINT `stock_level_covered` CHECK (held >= 0 AND on_hand >= held)
);
