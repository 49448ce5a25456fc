// Whether the hub can be reached, shared by all requests, so that an outage is shown once and retried together.
import { useSyncExternalStore } from "react";
import { backoff } from "./backoff";

export interface Outage {
  /** The number of consecutive failed attempts. */
  failures: number;
  /** When the outage began and when the next retry is due, by the browser's clock. */
  since: number;
  nextRetryAt: number;
  reason: string;
}

type Timer = ReturnType<typeof setTimeout>;

export class Reachability {
  private outage: Outage | null = null;
  private timer: Timer | null = null;
  private readonly listeners = new Set<() => void>();

  /** `retry` fetches again what is shown. */
  constructor(private readonly retry: () => void) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): Outage | null => this.outage;

  succeeded(): void {
    if (this.outage === null) return;
    this.cancel();
    this.outage = null;
    this.notify();
  }

  failed(reason: string): void {
    // Requests that fail together count as one attempt.
    if (this.timer !== null) return;
    const failures = (this.outage?.failures ?? 0) + 1;
    const delay = backoff(failures);
    const now = Date.now();
    this.outage = { failures, since: this.outage?.since ?? now, nextRetryAt: now + delay, reason };
    this.timer = setTimeout(this.retryNow, delay);
    this.notify();
  }

  readonly retryNow = (): void => {
    this.cancel();
    this.retry();
  };

  private cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private notify(): void {
    this.listeners.forEach((listener) => {
      listener();
    });
  }
}

/** The outage to show. A single failed attempt is not one. */
export function useOutage(reachability: Reachability): Outage | null {
  const outage = useSyncExternalStore(reachability.subscribe, reachability.current);
  return outage !== null && outage.failures > 1 ? outage : null;
}
