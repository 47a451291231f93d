import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { before, suite, test } from "node:test";

import { Code, ConnectError } from "@connectrpc/connect";

import * as node from "../src/node.js";
import * as web from "../src/web.js";

const baseUrl = process.env["ORDERPROCESSING_URL"];
const token = process.env["ORDERPROCESSING_TOKEN"];
if (!baseUrl || !token) {
  throw new Error(
    "ORDERPROCESSING_URL must name a running server, and ORDERPROCESSING_TOKEN an API key of it; .ci/test-ts starts one and runs these tests",
  );
}

const clients: Record<string, node.Client> = {
  "Connect in Node": node.createClient({ baseUrl, token }),
  "gRPC-Web in Node": node.createClient({ baseUrl, token, transport: "grpc-web" }),
  "gRPC in Node": node.createClient({ baseUrl, token, transport: "grpc" }),
  "Connect over fetch": web.createClient({ baseUrl, token }),
  "gRPC-Web over fetch": web.createClient({ baseUrl, token, transport: "grpc-web" }),
};

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ConnectError);
    return error;
  }
  assert.fail("the call was taken");
}

for (const [name, { orders, returns, inventory }] of Object.entries(clients)) {
  // A customer of its own keeps each suite apart from the others, and from what the server holds.
  const customerId = `cus_${randomUUID()}`;
  const wanted = {
    customerId,
    currencyCode: "GBP",
    lines: [
      { sku: "85123A", quantity: 2n, unitPriceMinor: 255n },
      { sku: "71053", quantity: 1n, unitPriceMinor: 339n },
    ],
  };
  const until = async (orderId: string, done: (order: node.Order) => boolean) => {
    const watching = new AbortController(); // leaving the loop does not end the stream
    try {
      for await (const { order } of orders.watchOrder({ orderId }, { signal: watching.signal })) {
        if (order && done(order)) {
          return order;
        }
      }
    } finally {
      watching.abort();
    }
    return assert.fail("the order has reached another end");
  };
  // An order without a way to pay waits for one, and changes no more by itself.
  const place = async () => {
    const { order } = await orders.createOrder({ order: wanted });
    assert.ok(order);
    return until(order.id, ({ lifecycle }) => lifecycle !== node.Lifecycle.PENDING);
  };

  suite(name, () => {
    before(async () => {
      for (const { sku } of wanted.lines) {
        await inventory.upsertProduct({ product: { sku, currencyCode: "GBP" } });
        await inventory.adjustStock({ sku, delta: 1000n, reason: node.AdjustmentReason.RECEIVED });
      }
    });

    test("an order is created, read, listed, edited and canceled", async () => {
      const created = await place();
      assert.match(created.id, /^ord_/);
      assert.equal(created.lifecycle, node.Lifecycle.ACTION_REQUIRED);
      assert.equal(created.statusReason, "PAYMENT_METHOD_REQUIRED");
      assert.equal(created.totalMinor, 849n);

      const got = await orders.getOrder({ orderId: created.id });
      assert.deepEqual(got.order, created);

      const page = await orders.listOrders({ filter: { customerId } });
      assert.deepEqual(page.orders.map((order) => order.id), [created.id]);

      const edited = await orders.updateOrder({
        order: { id: created.id, etag: created.etag, note: "Ring twice – 二回" },
        updateMask: { paths: ["note"] },
      });
      assert.equal(edited.order?.note, "Ring twice – 二回");
      assert.notEqual(edited.order?.etag, created.etag);

      await orders.cancelOrder({ orderId: created.id, reason: "changed my mind" });
      const canceled = await until(created.id, ({ lifecycle }) => lifecycle === node.Lifecycle.CANCELED);
      assert.equal(canceled.cancelReason, "changed my mind");

      const { events } = await orders.listOrderEvents({ orderId: created.id });
      assert.ok(events.length >= 3);
      assert.deepEqual(events.map((event) => event.sequence), events.map((_, i) => BigInt(i + 1)));
    });

    test("a replayed request id gives the same order", async () => {
      const request = { order: wanted, requestId: randomUUID() };
      const all = await Promise.all(Array.from({ length: 8 }, () => orders.createOrder(request)));
      assert.equal(new Set(all.map(({ order }) => order?.id)).size, 1);

      const other = { ...request, order: { ...wanted, note: "another" } };
      const error = await refusal(orders.createOrder(other));
      assert.equal(error.code, Code.AlreadyExists);
      assert.equal(node.reason(error), "REQUEST_ID_REUSED");
    });

    test("every field that is wrong is named", async () => {
      const error = await refusal(
        orders.createOrder({ order: { ...wanted, lines: [{ sku: "", quantity: 0n, unitPriceMinor: -1n }] } }),
      );
      assert.equal(error.code, Code.InvalidArgument);
      assert.equal(node.reason(error), "INVALID_REQUEST");
      const fields = node.violations(error).map((violation) => violation.field);
      for (const field of ["sku", "quantity", "unit_price_minor"]) {
        assert.ok(fields.includes(`order.lines[0].${field}`), `${field} is missing from ${fields}`);
      }
      assert.ok(node.violations(error).every((violation) => violation.message !== ""));
    });

    test("a stale etag and what is not there have their reasons", async () => {
      const { id, etag } = await place();
      const edit = (note: string) => orders.updateOrder({ order: { id, etag, note }, updateMask: { paths: ["note"] } });
      await edit("one");
      const stale = await refusal(edit("two"));
      assert.equal(stale.code, Code.Aborted);
      assert.equal(node.reason(stale), "STALE_ETAG");

      const random = 20; // a character of the id's random part
      const other = id.slice(0, random) + (id[random] === "0" ? "1" : "0") + id.slice(random + 1);
      const absent = await refusal(orders.getOrder({ orderId: other }));
      assert.equal(absent.code, Code.NotFound);
      assert.equal(node.reason(absent), "ORDER_NOT_FOUND");
    });

    test("an export streams every order of the customer", async () => {
      await place();
      const listed = await orders.listOrders({ filter: { customerId }, pageSize: 500 });
      const exported: string[] = [];
      for await (const batch of orders.exportOrders({ customerId })) {
        exported.push(...batch.orders.map((order) => order.id));
      }
      assert.deepEqual(exported.sort(), listed.orders.map((order) => order.id).sort());
      assert.ok(exported.length > 0);
    });

    test("returns and products answer too", async () => {
      assert.deepEqual((await returns.listReturns({ filter: { customerId } })).returns, []);
      const sku = `TS ${randomUUID()}`;
      const { product } = await inventory.upsertProduct({ product: { sku, name: "Heart holder", currencyCode: "GBP" } });
      assert.equal(product?.sku, sku);
      const { level } = await inventory.adjustStock({ sku, delta: 5n, reason: node.AdjustmentReason.RECEIVED });
      assert.equal(level?.onHand, 5n);
    });
  });
}

test("an import in both directions takes a document once", async () => {
  const { orders } = clients["gRPC in Node"]!;
  const number = randomUUID();
  const documents = async function* () {
    const document = {
      document: {
        case: "order" as const,
        value: {
          delivered: true,
          order: {
            number,
            currencyCode: "GBP",
            createTime: { seconds: 1_291_190_000n, nanos: 0 },
            lines: [{ sku: "85123A", quantity: 1n, unitPriceMinor: 255n }],
          },
        },
      },
    };
    yield { source: "ts-test", documents: [document] };
    yield { source: "ts-test", documents: [document] };
  };
  const results: node.ImportResult[] = [];
  for await (const answer of orders.importOrders(documents())) {
    results.push(...answer.outcomes.map((outcome) => outcome.result));
  }
  assert.deepEqual(results, [node.ImportResult.CREATED, node.ImportResult.UNCHANGED]);
});

test("a connection that breaks is followed by another, with the same request id", async () => {
  const bodies: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push(Buffer.concat(chunks));
      if (bodies.length === 1) {
        sockets[0]?.resetAndDestroy(); // as by a process that was killed
        return;
      }
      response.writeHead(200, { "content-type": "application/proto" });
      response.end();
    });
  });
  server.on("connection", (socket: Socket) => sockets.push(socket));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    const { port } = server.address() as AddressInfo;
    const { orders } = node.createClient({ baseUrl: `http://127.0.0.1:${port}` });
    await orders.createOrder({});
    assert.equal(bodies.length, 2);
    assert.ok(bodies[0]!.length > 0);
    assert.deepEqual(bodies[0], bodies[1]);
  } finally {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  }
});
