import {
  clone,
  create,
  isMessage,
  ScalarType,
  type DescMessage,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";

import { backoffMs, Budget, maxServerDelayMs, maxTries, passes, sleep } from "./retry.js";
import { retryAfterMs } from "./errors.js";

const defaultTimeoutMs = 10_000;

/** What reliable does, with the clock for tests to replace. */
export interface ReliableOptions {
  token?: string;
  timeoutMs?: number;
  wait?: typeof sleep;
}

/**
 * Gives the calls of a transport what every caller needs.
 *
 * A unary call
 * - that is given no timeout gets one, which spans all its tries;
 * - whose requestId is empty is sent with a new one, the same in each try. It is put into a copy. Who
 *   repeats a call after it failed for good sets requestId before the first time;
 * - is tried up to five times, as long as the method is idempotent by its contract, the error is one
 *   that passes, and the deadline and the budget allow it.
 *
 * Streams get none of that but the token: their position is known to the caller alone.
 */
export function reliable(inner: Transport, options: ReliableOptions): Transport {
  const wait = options.wait ?? sleep;
  const budget = new Budget();
  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const headers = withToken(header, options.token);
      const message = named(method.input, input, headers);
      const limit = timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs;
      const deadline = limit > 0 ? performance.now() + limit : Infinity;
      const left = () => deadline - performance.now();
      const idempotent = method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
      budget.deposit();
      for (let tries = 1; ; tries++) {
        try {
          const timeout = deadline === Infinity ? undefined : Math.max(1, Math.ceil(left()));
          return await inner.unary(method, signal, timeout, headers, message, contextValues);
        } catch (error) {
          const asked = retryAfterMs(error) ?? 0;
          const delay = asked + backoffMs(tries);
          if (
            !idempotent ||
            tries === maxTries ||
            signal?.aborted === true ||
            !passes(error) ||
            asked > maxServerDelayMs ||
            left() <= delay ||
            !budget.withdraw()
          ) {
            throw error;
          }
          if (!(await wait(delay, signal))) {
            throw new ConnectError("canceled while waiting to try again", Code.Canceled, undefined, undefined, error);
          }
        }
      }
    },
    stream(method, signal, timeoutMs, header, input, contextValues) {
      return inner.stream(method, signal, timeoutMs, withToken(header, options.token), input, contextValues);
    },
  };
}

/** Adds the token, unless the caller sends credentials of their own. */
function withToken(header: HeadersInit | undefined, token: string | undefined): Headers {
  const headers = new Headers(header);
  if (token && !headers.has("Authorization")) headers.set("Authorization", `Bearer ${token}`);
  return headers;
}

/** Makes a request id for a request that has a place for one and none in it, nor in the header. */
function named<T extends DescMessage>(desc: T, input: MessageInitShape<T>, headers: Headers) {
  const field = desc.field["requestId"];
  if (field?.scalar !== ScalarType.STRING || field.fieldKind !== "scalar" || headers.has("Idempotency-Key")) {
    return input;
  }
  const message = isMessage(input, desc) ? clone(desc, input) : create(desc, input);
  const fields = reflect(desc, message);
  if (fields.get(field) === "") fields.set(field, uuid());
  return message;
}

/** A random UUID. crypto.randomUUID does it too, but in browsers not without TLS. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
