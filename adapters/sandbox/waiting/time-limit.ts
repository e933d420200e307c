/** Calls `onLate` once the limit is reached, unless it is paused. */
export class TimeLimit {
  isReached = false;
  readonly #onLate: () => void;
  #leftMs: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, onLate: () => void) {
    this.#onLate = onLate;
    this.#leftMs = limitMs;
    this.start();
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => {
      this.isReached = true;
      this.#onLate();
    }, this.#leftMs);
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#startedAt));
  }
}
