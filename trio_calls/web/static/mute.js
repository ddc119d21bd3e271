// The button that mutes while it is held. A short press mutes until the next one.

const SHORT_MS = 300;

export class MuteButton {
  #button;
  #mute;
  #heldSince = null;
  #wasLatched = false;
  #isLatched = false;

  constructor(button, mute) {
    this.#button = button;
    this.#mute = mute;
    button.addEventListener("pointerdown", () => this.#press());
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => this.#release());
    addEventListener("blur", () => this.#release());
    addEventListener("keydown", (event) => this.#isKey(event) && !event.repeat && this.#press());
    addEventListener("keyup", (event) => this.#isKey(event) && this.#release());
    // What a screen reader does where it sends neither keys nor a pointer.
    button.addEventListener("click", (event) => event.detail === 0 && this.#click());
  }

  reset() {
    this.#heldSince = null;
    this.#isLatched = false;
    this.#show();
  }

  get isEnabled() {
    return !this.#button.disabled;
  }

  set isEnabled(isEnabled) {
    this.#button.disabled = !isEnabled;
    if (!isEnabled) this.reset();
  }

  #isKey(event) {
    if (!this.isEnabled || event.ctrlKey || event.altKey || event.metaKey) return false;
    if (event.target === this.#button && [" ", "Enter"].includes(event.key)) {
      event.preventDefault(); // or it would be a click as well
      return true;
    }
    return event.key.toLowerCase() === "m" && !event.target.closest("input, select");
  }

  #press() {
    if (!this.isEnabled) return;
    this.#heldSince = performance.now();
    this.#wasLatched = this.#isLatched;
    this.#isLatched = true;
    this.#show();
  }

  #release() {
    if (this.#heldSince === null) return;
    const isShort = performance.now() - this.#heldSince < SHORT_MS;
    this.#heldSince = null;
    this.#isLatched = isShort && !this.#wasLatched;
    this.#show();
  }

  #click() {
    this.#isLatched = !this.#isLatched;
    this.#show();
  }

  #show() {
    this.#button.setAttribute("aria-pressed", String(this.#isLatched));
    this.#mute(this.#isLatched);
  }
}
