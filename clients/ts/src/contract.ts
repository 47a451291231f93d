// The contract, as generated: messages, enums and services.
export * from "../../../gen/ts/events/v1/order_event_pb.js";
export * from "../../../gen/ts/inventory/v1/inventory_service_pb.js";
export * from "../../../gen/ts/inventory/v1/product_pb.js";
export * from "../../../gen/ts/orders/v1/order_pb.js";
export * from "../../../gen/ts/orders/v1/order_service_pb.js";
export * from "../../../gen/ts/orders/v1/return_pb.js";
export * from "../../../gen/ts/orders/v1/return_service_pb.js";
