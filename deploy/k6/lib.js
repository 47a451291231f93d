// What all scenarios share: calls over Connect with JSON, a customer's visit, and the objectives.
import http from "k6/http";
import { check, fail } from "k6";
import { Counter } from "k6/metrics";
import exec from "k6/execution";

const url = __ENV.ORDERPROCESSING_URL || "http://127.0.0.1:8080";
const token = __ENV.ORDERPROCESSING_TOKEN;
const products = 200;
const customers = 5000;

/** Calls that were turned away because there were too many. Nothing of them happened. */
export const shed = new Counter("orders_shed");

/** Orders that were acknowledged. */
export const placed = new Counter("orders_placed");

/** The objectives: what has to hold under any load that the server is meant for. */
export const objectives = {
  checks: ["rate==1"],
  http_req_failed: ["rate<0.001"],
  "http_req_duration{name:CreateOrder}": ["p(99)<1000"],
  "http_req_duration{name:GetOrder}": ["p(99)<500"],
  "http_req_duration{name:ListOrders}": ["p(99)<500"],
};

/** What has to hold while more is offered than the server can do: what it takes it answers in time. */
export const overloaded = {
  checks: ["rate==1"],
  http_req_failed: ["rate<0.001"],
  "http_req_duration{name:CreateOrder,expected_response:true}": ["p(99)<2000"],
};

/** Options of a scenario that may be run against any server, with summary lines that name the tail. */
export const options = (thresholds, scenario) => ({
  thresholds,
  scenarios: { [scenario.name]: { ...scenario.options, exec: "default" } },
  summaryTrendStats: ["med", "p(90)", "p(99)", "p(99.9)", "max"],
});

/** How long a scenario runs: DURATION, or else what it is meant to. */
export const duration = (usual) => __ENV.DURATION || usual;

/** Calls a procedure and gives its answer; null when the call was turned away or failed. */
export function call(service, name, request, tolerant) {
  const response = http.post(`${url}/${service}/${name}`, JSON.stringify(request), {
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    tags: { name },
    // Being turned away is no failure where more is offered than can be done.
    responseCallback: tolerant ? http.expectedStatuses(200, 429) : http.expectedStatuses(200),
  });
  if (response.status === 429) shed.add(1);
  return response.status === 200 ? response.json() : null;
}

/** Puts plenty of every product on the shelf, once for all runs of a server. */
export function setup() {
  if (!token) fail("ORDERPROCESSING_TOKEN is not set");
  for (let n = 0; n < products; n++) {
    const product = { sku: sku(n), name: "Load", currencyCode: "GBP", unitPriceMinor: String(price(n)) };
    const made = call("inventory.v1.InventoryService", "UpsertProduct", { requestId: `k6-product-${n}`, product });
    const stocked = made && call("inventory.v1.InventoryService", "AdjustStock", {
      requestId: `k6-stock-${n}`, sku: sku(n), delta: "1000000000", reason: "ADJUSTMENT_REASON_RECEIVED",
    });
    if (!stocked) fail("no goods can be put on the shelf: is the token one of staff?");
  }
}

const sku = (n) => `K6-${String(n).padStart(5, "0")}`;
const price = (n) => 100 + ((n * 37) % 4900);

// Few are chosen often, most rarely.
const choose = (n) => Math.floor(n * Math.random() ** 3);

/** A new order of some customer, and what it has to cost. */
export function basket() {
  const first = choose(products);
  const lines = [];
  let total = 0;
  for (let i = 0; i < 1 + Math.floor(Math.random() * 3); i++) {
    const n = (first + i * 67) % products;
    const quantity = 1 + Math.floor(Math.random() * 3);
    lines.push({ sku: sku(n), quantity: String(quantity), unitPriceMinor: String(price(n)) });
    total += quantity * price(n);
  }
  return {
    total,
    request: {
      requestId: `k6-${exec.scenario.startTime}-${exec.vu.idInTest}-${exec.vu.iterationInInstance}-${Math.random()}`,
      order: { customerId: `cus_k6_${choose(customers)}`, currencyCode: "GBP", lines },
      paymentMethod: "tok_ok",
    },
  };
}

const service = "orders.v1.OrderService";

/** A customer's visit: places an order, looks at it and at the list, and one in ten thinks better of it. */
export function visit(tolerant = false) {
  const { request, total } = basket();
  const created = call(service, "CreateOrder", request, tolerant);
  if (!created) return;
  placed.add(1);
  check(created, { "the order costs what its lines do": (r) => Number(r.order.totalMinor) === total });
  const id = created.order.id;
  const read = call(service, "GetOrder", { orderId: id }, tolerant);
  if (read) check(read, { "the order is there, the same": (r) => r.order.id === id && Number(r.order.totalMinor) === total });
  const list = call(service, "ListOrders", { pageSize: 10, filter: { customerId: request.order.customerId } }, tolerant);
  if (list) check(list, { "the list is the customer's": (r) => r.orders.every((o) => o.customerId === request.order.customerId) });
  if (Math.random() < 0.1) {
    const canceled = call(service, "CancelOrder", { orderId: id, requestId: `cancel-${id}` }, tolerant);
    if (canceled) check(canceled, { "the order is canceled": (r) => /CANCEL/.test(r.order.lifecycle) });
  }
}
