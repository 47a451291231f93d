import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";

import { over, type Client, type CommonOptions } from "./services.js";

export * from "./contract.js";
export * from "./errors.js";
export type { Client } from "./services.js";

/** How a client in Node is made. */
export interface ClientOptions extends CommonOptions {
  /** The protocol to speak; Connect unless told otherwise. */
  transport?: "connect" | "grpc-web" | "grpc";
}

const transports = {
  connect: createConnectTransport,
  "grpc-web": createGrpcWebTransport,
  grpc: createGrpcTransport,
};

/**
 * Makes a client. It connects with the first call, by HTTP/2 (without TLS for http://), and keeps no
 * process alive.
 */
export function createClient(options: ClientOptions): Client {
  const transport = transports[options.transport ?? "connect"]({
    baseUrl: options.baseUrl,
    httpVersion: "2",
    // A peer that vanished without a word is noticed by these.
    pingIntervalMs: 15_000,
    pingTimeoutMs: 5_000,
  });
  return over(transport, options);
}
