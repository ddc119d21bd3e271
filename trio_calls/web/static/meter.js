// A level meter: a root mean square in, decibels on the page.

const FLOOR_DB = -54;
const FALL_PER_SECOND = 1.6;

export function loudness(rms) {
  return Math.max(0, Math.min(1, 1 - (20 * Math.log10(Math.max(rms, 1e-6))) / FLOOR_DB));
}

export class Meter {
  #bar;
  #shown = 0;
  #shownAt = 0;
  #saidAt = 0;

  constructor(bar) {
    this.#bar = bar;
  }

  reset() {
    this.#shown = 0;
    this.show(0);
  }

  // Rises at once and falls slowly, as meters do. Whoever cannot see it is told once a second.
  show(rms) {
    const now = performance.now();
    const fallen = this.#shown - (FALL_PER_SECOND * (now - this.#shownAt)) / 1000;
    this.#shown = Math.max(loudness(rms), fallen, 0);
    this.#shownAt = now;
    this.#bar.style.setProperty("--level", this.#shown.toFixed(3));
    if (now - this.#saidAt > 1000) {
      this.#saidAt = now;
      this.#bar.setAttribute("aria-valuenow", Math.round(100 * this.#shown));
    }
  }
}
