import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";

// The details of an error are messages of google.rpc. No package brings them for protobuf-es, and
// three fields do not need one: they are read from the wire by number, which can never change.
// https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto

/** The domain of every reason that the server sends. */
const errorDomain = "orderprocessing";

/** One field of a request that is wrong. */
export interface Violation {
  /** Its path in the request, `order.lines[0].quantity`. Empty when it is the request as a whole. */
  field: string;
  /** What is wrong with it, for people. */
  message: string;
}

/**
 * Gives the stable name of what went wrong, like STALE_ETAG: what programs tell errors apart by. It
 * is undefined for an error without one, such as a connection that failed.
 */
export function reason(error: unknown): string | undefined {
  for (const info of details(error, "google.rpc.ErrorInfo")) {
    const fields = read(info);
    if (text(fields.get(2)) === errorDomain) return text(fields.get(1));
  }
  return undefined;
}

/** Gives the fields that are wrong, in the server's order; empty when none are named. */
export function violations(error: unknown): Violation[] {
  return details(error, "google.rpc.BadRequest")
    .flatMap((bad) => read(bad).get(1) ?? [])
    .map((violation) => read(violation))
    .map((fields) => ({ field: text(fields.get(1)), message: text(fields.get(2)) }));
}

/**
 * Gives the milliseconds to wait at least before the call is repeated; undefined when the error does
 * not say.
 */
export function retryAfterMs(error: unknown): number | undefined {
  for (const info of details(error, "google.rpc.RetryInfo")) {
    const delay = read(info).get(1)?.at(-1);
    if (delay === undefined) continue;
    const { seconds, nanos } = fromBinary(DurationSchema, delay);
    return Math.max(0, Number(seconds) * 1000 + nanos / 1e6);
  }
  if (!(error instanceof ConnectError)) return undefined;
  const header = error.metadata.get("Retry-After") ?? "";
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = /GMT$/.test(header) ? Date.parse(header) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** The details of one type, as they came. One that cannot be read is left out. */
function details(error: unknown, type: string): Uint8Array[] {
  if (!(error instanceof ConnectError)) return [];
  return error.details.flatMap((detail) => {
    if (!("type" in detail) || detail.type !== type) return [];
    try {
      read(detail.value);
      return [detail.value];
    } catch {
      return [];
    }
  });
}

/** The fields of a message that are strings or messages, by number. */
function read(message: Uint8Array): Map<number, Uint8Array[]> {
  const lengthDelimited = 2;
  const fields = new Map<number, Uint8Array[]>();
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType !== lengthDelimited) {
      reader.skip(wireType, number);
      continue;
    }
    const values = fields.get(number) ?? [];
    values.push(reader.bytes());
    fields.set(number, values);
  }
  return fields;
}

function text(values: Uint8Array[] | undefined): string {
  return new TextDecoder().decode(values?.at(-1));
}
