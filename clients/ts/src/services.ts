import { createClient, type Client as ServiceClient, type Transport } from "@connectrpc/connect";

import { IdentityService } from "../../../gen/ts/identity/v1/identity_service_pb.js";
import { InventoryService } from "../../../gen/ts/inventory/v1/inventory_service_pb.js";
import { OrderService } from "../../../gen/ts/orders/v1/order_service_pb.js";
import { ReturnService } from "../../../gen/ts/orders/v1/return_service_pb.js";
import { ShipmentService } from "../../../gen/ts/orders/v1/shipment_service_pb.js";
import { PaymentService } from "../../../gen/ts/payments/v1/payment_service_pb.js";
import { reliable } from "./reliable.js";

/** What every client needs to know, on whichever platform. */
export interface CommonOptions {
  /** Where the server is: `https://shop.example`, with a path if it has one. */
  baseUrl: string;
  /** A bearer token that goes with each call. Over http:// anyone on the way can read it. */
  token?: string;
  /**
   * The deadline of unary calls that are given none, in milliseconds from their start, all tries
   * included. 10,000 unless told otherwise; 0 sets no deadline. Streams have none.
   */
  timeoutMs?: number;
}

/** Calls the services of one server. Made once and kept, since connections and retries are shared. */
export interface Client {
  /** Takes orders and tells of them. */
  readonly orders: ServiceClient<typeof OrderService>;
  /** Sends the goods of orders. */
  readonly shipments: ServiceClient<typeof ShipmentService>;
  /** Takes goods back. */
  readonly returns: ServiceClient<typeof ReturnService>;
  /** Keeps products and their stock. */
  readonly inventory: ServiceClient<typeof InventoryService>;
  /** Moves the money of orders. */
  readonly payments: ServiceClient<typeof PaymentService>;
  /** Logs users in, and keeps users and API keys. */
  readonly identity: ServiceClient<typeof IdentityService>;
}

/** Makes the clients of all services over one transport. */
export function over(transport: Transport, options: CommonOptions): Client {
  const shared = reliable(transport, options);
  return {
    orders: createClient(OrderService, shared),
    shipments: createClient(ShipmentService, shared),
    returns: createClient(ReturnService, shared),
    inventory: createClient(InventoryService, shared),
    payments: createClient(PaymentService, shared),
    identity: createClient(IdentityService, shared),
  };
}
