// The contract, as generated: messages, enums and services.
export * from "../../../gen/ts/events/v1/order_event_pb.js";
export * from "../../../gen/ts/inventory/v1/inventory_service_pb.js";
export * from "../../../gen/ts/inventory/v1/product_pb.js";
export * from "../../../gen/ts/orders/v1/order_pb.js";
export * from "../../../gen/ts/orders/v1/order_service_pb.js";
export * from "../../../gen/ts/orders/v1/return_pb.js";
export * from "../../../gen/ts/orders/v1/return_service_pb.js";
export * from "../../../gen/ts/orders/v1/shipment_service_pb.js";

// Events have an enum of the same name and numbers; this is the one of orders.
export { ShipmentState, ShipmentStateSchema } from "../../../gen/ts/orders/v1/order_pb.js";
export {
  ShipmentState as ShipmentEventState,
  ShipmentStateSchema as ShipmentEventStateSchema,
} from "../../../gen/ts/events/v1/order_event_pb.js";
