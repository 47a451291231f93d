import { Code, ConnectError } from "@connectrpc/connect";

import { retryAfterMs } from "./errors.js";

/** How often a call is sent at most. */
export const maxTries = 5;
/** A server that wants a longer pause is left alone, and the caller told. */
export const maxServerDelayMs = 30_000;

const backoffBaseMs = 50;
const backoffCapMs = 2_000;

/**
 * A random part of a ceiling that doubles with every try, up to a cap ("full jitter",
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoffMs(tries: number): number {
  return Math.random() * Math.min(backoffBaseMs * 2 ** (tries - 1), backoffCapMs);
}

/** Whether the same request may succeed a little later. */
export function passes(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  switch (error.code) {
    case Code.Unavailable:
      return true;
    case Code.ResourceExhausted:
      // Without a time to come back it is the request that is too large, now and later.
      return retryAfterMs(error) !== undefined;
    case Code.Aborted:
      return !error.isWireError; // connect-node's code for a connection that broke
    case Code.Unknown:
      return !error.isWireError && error.cause instanceof TypeError; // fetch's error for the same
    default:
      return false;
  }
}

/** Waits, and says whether it came to the end: false when the signal came first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(false);
    const stop = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve(true);
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Keeps retries from multiplying the load of a server in trouble: each call pays in a tenth of a
 * retry, so retries stay under a tenth of the calls plus the ten it starts with, however many calls
 * fail. It saves up to a hundred.
 */
export class Budget {
  private tenths = 100;

  /** Counts a call, not its retries. */
  deposit(): void {
    this.tenths = Math.min(this.tenths + 1, 1000);
  }

  /** Takes a retry; false when there is none left. */
  withdraw(): boolean {
    if (this.tenths < 10) return false;
    this.tenths -= 10;
    return true;
  }
}
