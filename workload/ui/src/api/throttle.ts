// At most one call in so many milliseconds; what comes in between is done once, at the end of them.

export class Throttle {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private last = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly every: number,
    private readonly call: () => void,
  ) {}

  readonly ask = (): void => {
    if (this.timer !== null) return;
    const wait = Math.max(0, this.last + this.every - Date.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      this.last = Date.now();
      this.call();
    }, wait);
  };

  cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
