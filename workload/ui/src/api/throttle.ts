// At most one call per interval. Triggers in between cause one call at the end of the interval.

export class Throttle {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private lastCall = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly intervalMs: number,
    private readonly call: () => void,
  ) {}

  readonly trigger = (): void => {
    if (this.timer !== null) return;
    const wait = Math.max(0, this.lastCall + this.intervalMs - Date.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      this.lastCall = Date.now();
      this.call();
    }, wait);
  };

  cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
