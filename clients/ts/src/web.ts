import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";

import { over, type Client, type CommonOptions } from "./services.js";

export * from "./contract.js";
export * from "./errors.js";
export type { Client } from "./services.js";

/** How a client in a browser is made. */
export interface ClientOptions extends CommonOptions {
  /** The protocol to speak; Connect unless told otherwise. Browsers cannot speak gRPC itself. */
  transport?: "connect" | "grpc-web";
}

/** Makes a client over fetch. Browsers cannot stream requests, so `orders.importOrders` fails there. */
export function createClient(options: ClientOptions): Client {
  const { baseUrl } = options;
  return over(
    options.transport === "grpc-web"
      ? createGrpcWebTransport({ baseUrl })
      : createConnectTransport({ baseUrl }),
    options,
  );
}
