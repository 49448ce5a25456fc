// Whether the hub answers at all. One place for all requests, so that an outage is told once and retried in step.
import { useSyncExternalStore } from "react";
import { backoff } from "./backoff";

export interface Outage {
  /** How many tries have failed in a row. */
  failures: number;
  /** When it began, and when the next try is due, by the browser's clock. */
  since: number;
  nextTryAt: number;
  reason: string;
}

type Timer = ReturnType<typeof setTimeout>;

export class Reachability {
  private outage: Outage | null = null;
  private timer: Timer | null = null;
  private readonly listeners = new Set<() => void>();

  /** `retry` asks again for what is shown. */
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
    this.tell();
  }

  failed(reason: string): void {
    // Several requests fail together: they are one try.
    if (this.timer !== null) return;
    const failures = (this.outage?.failures ?? 0) + 1;
    const delay = backoff(failures);
    const now = Date.now();
    this.outage = { failures, since: this.outage?.since ?? now, nextTryAt: now + delay, reason };
    this.timer = setTimeout(this.retryNow, delay);
    this.tell();
  }

  readonly retryNow = (): void => {
    this.cancel();
    this.retry();
  };

  private cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private tell(): void {
    this.listeners.forEach((listener) => {
      listener();
    });
  }
}

/** The outage that people should be told about: a single lost request is not. */
export function useOutage(reachability: Reachability): Outage | null {
  const outage = useSyncExternalStore(reachability.subscribe, reachability.current);
  return outage !== null && outage.failures > 1 ? outage : null;
}
