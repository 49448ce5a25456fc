// One clock for all that shows time; whoever looks is drawn again only when what they make of it changes.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
let now = Date.now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

function tick(): void {
  now = Date.now();
  listeners.forEach((listener) => {
    listener();
  });
}

/** What `make` makes of the browser's time; it must give something that can be compared. */
export function useSecond<T extends string | number>(make: (now: number) => T): T {
  return useSyncExternalStore(subscribe, () => make(Math.max(now, timer === null ? Date.now() : now)));
}
