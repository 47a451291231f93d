// The same order over gRPC, whose messages k6 learns by reflection.
import grpc from "k6/net/grpc";
import { check } from "k6";
import { basket, duration, options as of, placed } from "./lib.js";

export { setup } from "./lib.js";

const url = __ENV.ORDERPROCESSING_URL || "http://127.0.0.1:8080";
const target = url.replace(/^https?:\/\//, "");
const plaintext = !url.startsWith("https:");
const metadata = { authorization: `Bearer ${__ENV.ORDERPROCESSING_TOKEN}` };

export const options = of(
  { checks: ["rate==1"], "grpc_req_duration{name:CreateOrder}": ["p(99)<1000"], "grpc_req_duration{name:GetOrder}": ["p(99)<500"] },
  { name: "grpc", options: { executor: "constant-vus", vus: Number(__ENV.USERS || 10), duration: duration("30s") } },
);

const client = new grpc.Client();
let connected = false;

export default function () {
  if (!connected) {
    client.connect(target, { plaintext, reflect: true, reflectMetadata: metadata });
    connected = true;
  }
  const { request, total } = basket();
  const created = client.invoke("orders.v1.OrderService/CreateOrder", request, { metadata, tags: { name: "CreateOrder" } });
  if (!check(created, { "the order is placed": (r) => r.status === grpc.StatusOK && Number(r.message.order.totalMinor) === total })) return;
  placed.add(1);
  const read = client.invoke("orders.v1.OrderService/GetOrder", { orderId: created.message.order.id }, { metadata, tags: { name: "GetOrder" } });
  check(read, { "the order is there": (r) => r.status === grpc.StatusOK && r.message.order.id === created.message.order.id });
}
