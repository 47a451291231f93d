-- Create "api_keys" table
CREATE TABLE `api_keys` (
  `id` uuid NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `display_name` text NOT NULL,
  `roles` integer NOT NULL,
  `scopes` json NULL,
  `customer_id` text NOT NULL,
  `expire_time` datetime NULL,
  `revoke_time` datetime NULL,
  `last_use_time` datetime NULL,
  `maker` text NOT NULL,
  PRIMARY KEY (`id`)
);
-- Create "api_key_secrets" table
CREATE TABLE `api_key_secrets` (
  `prefix` text NOT NULL,
  `key_id` uuid NOT NULL,
  `hash` blob NOT NULL,
  `create_time` datetime NOT NULL,
  `expire_time` datetime NULL,
  `request` text NOT NULL,
  PRIMARY KEY (`prefix`)
);
-- Create index "api_key_secrets_request_key" to table: "api_key_secrets"
CREATE UNIQUE INDEX `api_key_secrets_request_key` ON `api_key_secrets` (`request`);
-- Create index "apikeysecret_key_id" to table: "api_key_secrets"
CREATE INDEX `apikeysecret_key_id` ON `api_key_secrets` (`key_id`);
-- Create "audit_heads" table
CREATE TABLE `audit_heads` (
  `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `number` integer NOT NULL,
  `hash` blob NOT NULL,
  CONSTRAINT `audit_head_one` CHECK (id = 1)
);
-- Create "audit_records" table
CREATE TABLE `audit_records` (
  `number` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `time` datetime NOT NULL,
  `actor` text NOT NULL,
  `action` text NOT NULL,
  `object` text NOT NULL,
  `outcome` text NOT NULL,
  `detail` text NOT NULL,
  `previous` blob NOT NULL,
  `hash` blob NOT NULL,
  CONSTRAINT `audit_record_number` CHECK (number >= 1)
);
-- Create "flags" table
CREATE TABLE `flags` (
  `key` text NOT NULL,
  `enabled` bool NOT NULL,
  `default_variant` text NOT NULL,
  `rollout` json NOT NULL,
  `targets` json NOT NULL,
  `version` integer NOT NULL,
  `update_actor` text NOT NULL,
  `update_time` datetime NOT NULL,
  PRIMARY KEY (`key`),
  CONSTRAINT `flag_version` CHECK (version >= 1)
);
-- Create "holds" table
CREATE TABLE `holds` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `order_id` uuid NOT NULL,
  `sku` text NOT NULL,
  `quantity` integer NOT NULL,
  `committed` integer NOT NULL DEFAULT (0),
  `state` integer NOT NULL,
  `expire_time` datetime NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `hold_quantity` CHECK (committed >= 0 AND committed <= quantity)
);
-- Create index "hold_sku_order_id" to table: "holds"
CREATE UNIQUE INDEX `hold_sku_order_id` ON `holds` (`sku`, `order_id`);
-- Create index "hold_order_id" to table: "holds"
CREATE INDEX `hold_order_id` ON `holds` (`order_id`);
-- Create index "hold_expire_time" to table: "holds"
CREATE INDEX `hold_expire_time` ON `holds` (`expire_time`) WHERE expire_time IS NOT NULL;
-- Create index "hold_sku_state_order_id" to table: "holds"
CREATE INDEX `hold_sku_state_order_id` ON `holds` (`sku`, `state`, `order_id`) WHERE state = 2;
-- Create "ledger_entries" table
CREATE TABLE `ledger_entries` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `payment_id` uuid NOT NULL,
  `movement` integer NOT NULL,
  `debit` integer NOT NULL,
  `credit` integer NOT NULL,
  `amount_minor` integer NOT NULL,
  `currency` text NOT NULL,
  `time` datetime NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `ledger_entry_amount` CHECK (amount_minor > 0 AND debit <> credit)
);
-- Create "logins" table
CREATE TABLE `logins` (
  `id` uuid NOT NULL,
  `user_id` uuid NOT NULL,
  `create_time` datetime NOT NULL,
  `expire_time` datetime NOT NULL,
  `revoke_time` datetime NULL,
  PRIMARY KEY (`id`)
);
-- Create index "login_user_id" to table: "logins"
CREATE INDEX `login_user_id` ON `logins` (`user_id`);
-- Create index "login_expire_time" to table: "logins"
CREATE INDEX `login_expire_time` ON `logins` (`expire_time`);
-- Create "login_throttles" table
CREATE TABLE `login_throttles` (
  `bucket` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `tries` integer NOT NULL,
  `free_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `version` integer NOT NULL
);
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
  `payment_method` text NOT NULL DEFAULT (''),
  `placements` integer NOT NULL DEFAULT (0),
  `confirm_time` datetime NULL,
  `progress` json NULL,
  `version` integer NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `order_total` CHECK (total_minor >= 0 AND shipping_minor >= 0)
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
  PRIMARY KEY (`id`)
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
  `order_id` uuid NULL,
  `progress` json NULL,
  PRIMARY KEY (`id`)
);
-- Create index "orderreturn_slot_customer_id_id" to table: "order_returns"
CREATE INDEX `orderreturn_slot_customer_id_id` ON `order_returns` (`slot`, `customer_id`, `id`);
-- Create index "orderreturn_number_id" to table: "order_returns"
CREATE INDEX `orderreturn_number_id` ON `order_returns` (`number`, `id`) WHERE number <> '';
-- Create "payments" table
CREATE TABLE `payments` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `order_id` uuid NOT NULL,
  `customer_id` text NOT NULL,
  `gateway` text NOT NULL,
  `currency` text NOT NULL,
  `amount_minor` integer NOT NULL,
  `state` integer NOT NULL,
  `auth_state` integer NOT NULL,
  `authorization` text NOT NULL,
  `authorized_minor` integer NOT NULL,
  `captured_minor` integer NOT NULL,
  `released_minor` integer NOT NULL,
  `refunded_minor` integer NOT NULL,
  `capture_pending_minor` integer NOT NULL,
  `refund_pending_minor` integer NOT NULL,
  `open_captures` integer NOT NULL,
  `open_unknown` integer NOT NULL,
  `void_state` integer NOT NULL,
  `decline` text NOT NULL,
  `redirect_url` text NOT NULL,
  `expire_time` datetime NULL,
  `version` integer NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `payment_amount` CHECK (amount_minor > 0 AND authorized_minor >= 0 AND authorized_minor <= amount_minor),
  CONSTRAINT `payment_captured` CHECK (captured_minor >= 0 AND released_minor >= 0 AND capture_pending_minor >= 0 AND captured_minor + released_minor + capture_pending_minor <= authorized_minor),
  CONSTRAINT `payment_open` CHECK (open_captures >= 0 AND open_unknown >= 0),
  CONSTRAINT `payment_refunded` CHECK (refunded_minor >= 0 AND refund_pending_minor >= 0 AND refunded_minor + refund_pending_minor <= captured_minor)
);
-- Create index "payment_state_id" to table: "payments"
CREATE INDEX `payment_state_id` ON `payments` (`state`, `id`);
-- Create index "payment_slot_customer_id_id" to table: "payments"
CREATE INDEX `payment_slot_customer_id_id` ON `payments` (`slot`, `customer_id`, `id`);
-- Create "payment_events" table
CREATE TABLE `payment_events` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `payment_id` uuid NOT NULL,
  `event_id` text NOT NULL,
  `create_time` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
-- Create index "paymentevent_create_time" to table: "payment_events"
CREATE INDEX `paymentevent_create_time` ON `payment_events` (`create_time`);
-- Create "payment_operations" table
CREATE TABLE `payment_operations` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `payment_id` uuid NOT NULL,
  `kind` integer NOT NULL,
  `key` text NOT NULL,
  `fingerprint` blob NOT NULL,
  `amount_minor` integer NOT NULL,
  `final` bool NOT NULL,
  `state` integer NOT NULL,
  `held_minor` integer NOT NULL,
  `sends` integer NOT NULL,
  `sent_time` datetime NOT NULL,
  `reference` text NOT NULL,
  `reason` text NOT NULL,
  `note` text NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `payment_operation_amount` CHECK (amount_minor >= 0 AND held_minor >= 0)
);
-- Create index "paymentoperation_update_time" to table: "payment_operations"
CREATE INDEX `paymentoperation_update_time` ON `payment_operations` (`update_time`) WHERE state IN (2, 3);
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
  `backorder_limit` integer NOT NULL DEFAULT (0),
  PRIMARY KEY (`sku`),
  CONSTRAINT `product_price` CHECK (unit_price_minor >= 0)
);
-- Create "refresh_tokens" table
CREATE TABLE `refresh_tokens` (
  `hash` text NOT NULL,
  `session_id` uuid NOT NULL,
  `use_time` datetime NULL,
  PRIMARY KEY (`hash`)
);
-- Create index "refreshtoken_session_id" to table: "refresh_tokens"
CREATE INDEX `refreshtoken_session_id` ON `refresh_tokens` (`session_id`);
-- Create "requests" table
CREATE TABLE `requests` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `fingerprint` blob NOT NULL,
  `order_id` uuid NULL,
  `version` integer NOT NULL DEFAULT (0),
  `answer` blob NULL,
  `create_time` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
-- Create index "request_create_time" to table: "requests"
CREATE INDEX `request_create_time` ON `requests` (`create_time`);
-- Create "risk_assessments" table
CREATE TABLE `risk_assessments` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `score` integer NOT NULL,
  `outcome` integer NOT NULL,
  `reasons` json NOT NULL,
  `shadow` bool NOT NULL,
  `create_time` datetime NOT NULL,
  PRIMARY KEY (`id`)
);
-- Create "sagas" table
CREATE TABLE `sagas` (
  `saga_key` text NOT NULL,
  `slot` integer NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `subject` text NOT NULL,
  `saga` text NOT NULL,
  `state` integer NOT NULL,
  `undoing` bool NOT NULL,
  `step` integer NOT NULL,
  `attempts` integer NOT NULL,
  `reason` text NOT NULL,
  `cause` text NOT NULL,
  `ticket` integer NOT NULL,
  `wake_time` datetime NOT NULL,
  `deadline` datetime NOT NULL,
  `trace` text NOT NULL DEFAULT (''),
  PRIMARY KEY (`saga_key`)
);
-- Create index "saga_wake_time" to table: "sagas"
CREATE INDEX `saga_wake_time` ON `sagas` (`wake_time`) WHERE state < 5;
-- Create index "saga_unfinished" to table: "sagas"
CREATE INDEX `saga_unfinished` ON `sagas` (`saga_key`) WHERE state < 5;
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
-- Create "signing_keys" table
CREATE TABLE `signing_keys` (
  `number` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  `kid` text NOT NULL,
  `public` blob NOT NULL,
  `private` blob NOT NULL,
  `sealed` bool NOT NULL,
  `sign_time` datetime NOT NULL,
  `create_time` datetime NOT NULL
);
-- Create index "signing_keys_kid_key" to table: "signing_keys"
CREATE UNIQUE INDEX `signing_keys_kid_key` ON `signing_keys` (`kid`);
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
-- Create "stock_commits" table
CREATE TABLE `stock_commits` (
  `id` uuid NOT NULL,
  `slot` integer NOT NULL,
  `order_id` uuid NOT NULL,
  `sku` text NOT NULL,
  `quantity` integer NOT NULL,
  `committed` integer NOT NULL,
  `fingerprint` blob NOT NULL,
  `time` datetime NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `stock_commit_quantity` CHECK (quantity >= 1)
);
-- Create index "stockcommit_sku_id" to table: "stock_commits"
CREATE INDEX `stockcommit_sku_id` ON `stock_commits` (`sku`, `id`);
-- Create "stock_levels" table
CREATE TABLE `stock_levels` (
  `sku` text NOT NULL,
  `slot` integer NOT NULL,
  `on_hand` integer NOT NULL,
  `held` integer NOT NULL DEFAULT (0),
  `update_time` datetime NOT NULL,
  `backordered` integer NOT NULL DEFAULT (0),
  `backorder_limit` integer NOT NULL DEFAULT (0),
  PRIMARY KEY (`sku`),
  CONSTRAINT `stock_level_backordered` CHECK (backordered >= 0 AND backordered <= held AND held - backordered <= on_hand),
  CONSTRAINT `stock_level_covered` CHECK (held >= 0 AND held <= on_hand + backorder_limit)
);
-- Create "users" table
CREATE TABLE `users` (
  `id` uuid NOT NULL,
  `create_time` datetime NOT NULL,
  `update_time` datetime NOT NULL,
  `email` text NOT NULL,
  `display_name` text NOT NULL,
  `password_hash` text NOT NULL,
  `roles` integer NOT NULL,
  `customer_id` text NOT NULL,
  `request_id` text NOT NULL,
  PRIMARY KEY (`id`)
);
-- Create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX `users_email_key` ON `users` (`email`);
-- Create index "user_customer_id" to table: "users"
CREATE INDEX `user_customer_id` ON `users` (`customer_id`);
