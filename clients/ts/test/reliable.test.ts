import assert from "node:assert/strict";
import { test } from "node:test";

import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";

import { CreateOrderRequestSchema, OrderService, type CreateOrderRequest } from "../src/contract.js";
import { reason, retryAfterMs, violations } from "../src/errors.js";
import { reliable, type ReliableOptions } from "../src/reliable.js";
import { backoffMs, Budget, maxTries, passes, sleep } from "../src/retry.js";

/** A shop in memory, which fails as a test says, and a client of it that does not really wait. */
function open(answer: (n: number) => ConnectError | undefined, options: ReliableOptions = {}) {
  const seen: CreateOrderRequest[] = [];
  const headers: Headers[] = [];
  const timeouts: (number | undefined)[] = [];
  const waits: number[] = [];
  let exports = 0;
  const transport = createRouterTransport(({ service }) => {
    service(OrderService, {
      createOrder(request, context) {
        seen.push(request);
        headers.push(context.requestHeader);
        timeouts.push(context.timeoutMs());
        const error = answer(seen.length);
        if (error) throw error;
        return request.order ? { order: request.order } : {};
      },
      async *exportOrders(_, context) {
        exports++;
        headers.push(context.requestHeader);
        timeouts.push(context.timeoutMs());
        throw new ConnectError("busy", Code.Unavailable);
      },
    });
  });
  const wait = async (ms: number) => {
    waits.push(ms);
    return true;
  };
  const orders = createClient(OrderService, reliable(transport, { wait, ...options }));
  return { orders, seen, headers, timeouts, waits, exports: () => exports };
}

const busy = () => new ConnectError("busy", Code.Unavailable);

/** An error with a detail, as it comes from the wire. */
function detailed(code: Code, type: string, value: Uint8Array): ConnectError {
  const error = new ConnectError("refused", code);
  error.details = [{ type, value }];
  return error;
}

function retryInfo(seconds: number, nanos = 0): Uint8Array {
  const delay = toBinary(DurationSchema, create(DurationSchema, { seconds: BigInt(seconds), nanos }));
  return new BinaryWriter().tag(1, 2).bytes(delay).finish();
}

test("a server that fails four times is asked five times, by one request id", async () => {
  const shop = open((n) => (n < 5 ? busy() : undefined));
  await shop.orders.createOrder({ order: { customerId: "cus_1" } });
  assert.equal(shop.seen.length, 5);
  const ids = new Set(shop.seen.map((request) => request.requestId));
  assert.equal(ids.size, 1);
  assert.match([...ids][0]!, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(shop.waits.length, 4);
  shop.waits.forEach((ms, i) => assert.ok(ms <= 50 * 2 ** i));
});

test("the fifth failure is final, and nothing is waited for after it", async () => {
  const shop = open(busy);
  await assert.rejects(shop.orders.createOrder({}), { code: Code.Unavailable });
  assert.equal(shop.seen.length, maxTries);
  assert.equal(shop.waits.length, maxTries - 1);
});

test("errors that do not pass are final", async () => {
  for (const code of [Code.InvalidArgument, Code.FailedPrecondition, Code.Internal, Code.ResourceExhausted, Code.DeadlineExceeded]) {
    const shop = open(() => new ConnectError("no", code));
    await assert.rejects(shop.orders.createOrder({}), { code });
    assert.equal(shop.seen.length, 1, Code[code]);
  }
});

test("a lost race is final, a broken connection is not", () => {
  const lost = new ConnectError("stale", Code.Aborted);
  lost.isWireError = true;
  assert.equal(passes(lost), false);
  assert.equal(passes(new ConnectError("ECONNRESET", Code.Aborted)), true);
  assert.equal(passes(ConnectError.from(new TypeError("fetch failed"))), true);
  assert.equal(passes(new Error("a bug")), false);
});

test("a server that names a time gets it", async () => {
  const transport = (error: ConnectError) => {
    let n = 0;
    const waits: number[] = [];
    const flaky = reliable(
      {
        unary: () => (++n === 1 ? Promise.reject(error) : Promise.resolve({ message: {} } as never)),
        stream: () => Promise.reject(error),
      },
      { wait: async (ms) => (waits.push(ms), true) },
    );
    return { client: createClient(OrderService, flaky), waits };
  };
  const { client, waits } = transport(detailed(Code.ResourceExhausted, "google.rpc.RetryInfo", retryInfo(3)));
  await client.createOrder({});
  assert.equal(waits.length, 1);
  assert.ok(waits[0]! >= 3000 && waits[0]! <= 3050);

  const late = transport(detailed(Code.Unavailable, "google.rpc.RetryInfo", retryInfo(11)));
  await assert.rejects(late.client.createOrder({}), { code: Code.Unavailable });
  assert.equal(late.waits.length, 0, "a time past the deadline is not waited for");

  const hour = transport(detailed(Code.Unavailable, "google.rpc.RetryInfo", retryInfo(3600)));
  await assert.rejects(hour.client.createOrder({}, { timeoutMs: 0 }), { code: Code.Unavailable });
  assert.equal(hour.waits.length, 0, "nor one of an hour without a deadline");
});

test("a method that is not idempotent is called once", async () => {
  let n = 0;
  const flaky = reliable(
    { unary: () => (n++, Promise.reject(busy())), stream: () => Promise.reject(busy()) },
    { wait: async () => true },
  );
  const method = { ...OrderService.method.createOrder, idempotency: 0 as const };
  await assert.rejects(flaky.unary(method, undefined, undefined, undefined, {}));
  assert.equal(n, 1);
});

test("streams are opened once, with the token and without a deadline", async () => {
  const shop = open(busy, { token: "abc" });
  await assert.rejects(async () => {
    for await (const _ of shop.orders.exportOrders({}));
  }, { code: Code.Unavailable });
  assert.equal(shop.exports(), 1);
  assert.equal(shop.headers[0]!.get("Authorization"), "Bearer abc");
  assert.equal(shop.timeouts[0], undefined);
});

test("calls without a deadline get the default, others keep theirs", async () => {
  const shop = open(() => undefined);
  await shop.orders.createOrder({});
  await shop.orders.createOrder({}, { timeoutMs: 1000 });
  await shop.orders.createOrder({}, { timeoutMs: 0 });
  const [first, second, third] = shop.timeouts;
  assert.ok(first! > 9000 && first! <= 10_000);
  assert.ok(second! > 500 && second! <= 1000);
  assert.equal(third, undefined);
});

test("the message stays as it was, and the caller's own names are kept", async () => {
  const shop = open(() => undefined, { token: "abc" });
  const template = create(CreateOrderRequestSchema, { order: { customerId: "cus_1" } });
  await shop.orders.createOrder(template);
  await shop.orders.createOrder(template);
  assert.equal(template.requestId, "");
  assert.notEqual(shop.seen[0]!.requestId, shop.seen[1]!.requestId);
  await shop.orders.createOrder({ requestId: "mine" }, { headers: { Authorization: "Bearer mine" } });
  assert.equal(shop.seen[2]!.requestId, "mine");
  assert.equal(shop.headers[2]!.get("Authorization"), "Bearer mine");
  await shop.orders.createOrder({}, { headers: { "Idempotency-Key": "mine" } });
  assert.equal(shop.seen[3]!.requestId, "");
});

test("a canceled call stops waiting", async () => {
  const stop = new AbortController();
  const shop = open(busy, {
    wait: (_, signal) => {
      stop.abort();
      return sleep(3_600_000, signal);
    },
  });
  await assert.rejects(shop.orders.createOrder({}, { signal: stop.signal }), { code: Code.Canceled });
  assert.equal(shop.seen.length, 1);
});

test("when every call fails, retries stay under a tenth of the calls and ten", async () => {
  const shop = open(busy);
  await Promise.all(Array.from({ length: 400 }, () => shop.orders.createOrder({}).catch(() => undefined)));
  assert.equal(shop.seen.length, 400 + 40 + 10);
  const saved = new Budget();
  for (let i = 0; i < 10_000; i++) saved.deposit();
  let taken = 0;
  while (saved.withdraw()) taken++;
  assert.equal(taken, 100);
});

test("waits double up to two seconds, jittered in full", () => {
  for (const [tries, ceiling] of [[1, 50], [2, 100], [6, 1600], [7, 2000], [5000, 2000]] as const) {
    const drawn = Array.from({ length: 2000 }, () => backoffMs(tries));
    assert.ok(Math.min(...drawn) < ceiling / 20 && Math.min(...drawn) >= 0);
    assert.ok(Math.max(...drawn) > ceiling * 0.95 && Math.max(...drawn) <= ceiling);
  }
});

test("errors without details have no reason, and broken details are no error", () => {
  for (const error of [undefined, new Error("x"), busy(), detailed(Code.Internal, "google.rpc.ErrorInfo", new Uint8Array([0xff]))]) {
    assert.equal(reason(error), undefined);
    assert.deepEqual(violations(error), []);
    assert.equal(retryAfterMs(error), undefined);
  }
  const foreign = new BinaryWriter().tag(1, 2).string("QUOTA").tag(2, 2).string("elsewhere").finish();
  assert.equal(reason(detailed(Code.Internal, "google.rpc.ErrorInfo", foreign)), undefined);
});

test("the time to come back is a detail, or else a header", () => {
  assert.equal(retryAfterMs(detailed(Code.Unavailable, "google.rpc.RetryInfo", retryInfo(1, 500_000_000))), 1500);
  const after = (value: string) => retryAfterMs(new ConnectError("", Code.Unavailable, { "Retry-After": value }));
  assert.equal(after("7"), 7000);
  assert.equal(after("soon"), undefined);
  assert.equal(after("-1"), undefined);
  assert.equal(after("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
});

