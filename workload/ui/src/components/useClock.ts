// One clock for all components that show time. A component renders again only when its own value changes.
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

/** The value that `compute` returns for the browser's time, updated every second. */
export function useClock<T extends string | number>(compute: (now: number) => T): T {
  return useSyncExternalStore(subscribe, () => compute(Math.max(now, timer === null ? Date.now() : now)));
}
