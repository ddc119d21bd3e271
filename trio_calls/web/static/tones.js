// Tones that the page makes itself: its bell, what a caller hears ringing, and the keys.

const KEYS = "123456789*0#";
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];

export class Tones {
  #audio;
  #name = null;
  #timer = 0;
  #sounding = new Set();

  constructor(audio) {
    this.#audio = audio;
  }

  // The tone of that name over and over, until another one or null. It starts once the sound is on.
  play(name) {
    if (name === this.#name) return;
    this.#stop();
    this.#name = name;
    if (!name) return;
    const { everySeconds, once } = this.#repeated[name];
    let next = 0;
    this.#timer = setInterval(() => {
      if (!this.#audio.isAwake) return;
      const now = this.#audio.context.currentTime;
      if (now < next) return;
      once(now + 0.02);
      next = now + everySeconds;
    }, 100);
  }

  // A key as telephones send it: two frequencies. In a call the other side hears it as well.
  key(key, isSaid) {
    const index = KEYS.indexOf(key);
    if (index < 0 || !this.#audio.isAwake) return;
    const frequencies = [ROWS[Math.floor(index / 3)], COLUMNS[index % 3]];
    for (const context of this.#audio.toneContexts(isSaid))
      this.#tone(frequencies, context.currentTime, isSaid ? 0.16 : 0.09, 0.07, isSaid, context);
  }

  #repeated = {
    // Two short rings of a soft bell, and a rest.
    bell: { everySeconds: 3, once: (at) => [0, 0.5].forEach((later) => this.#chirp(at + later)) },
    // What a caller hears: a second of 425 Hz in every four.
    ringback: { everySeconds: 4, once: (at) => this.#tone([425], at, 1, 0.04, false) },
  };

  #stop() {
    clearInterval(this.#timer);
    for (const gain of this.#sounding) gain.disconnect();
    this.#sounding.clear();
  }

  #chirp(at) {
    for (let i = 0; i < 8; i++) this.#tone([i % 2 ? 880 : 1108.7], at + i * 0.045, 0.045, 0.05, false);
  }

  #tone(frequencies, at, seconds, volume, isSaid, context = this.#audio.context) {
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(volume, at + 0.006);
    gain.gain.setValueAtTime(volume, at + seconds - 0.006);
    gain.gain.linearRampToValueAtTime(0, at + seconds);
    this.#audio.connectTone(gain, isSaid);
    this.#sounding.add(gain);
    for (const frequency of frequencies) {
      const oscillator = new OscillatorNode(context, { frequency });
      oscillator.connect(gain);
      oscillator.start(at);
      oscillator.stop(at + seconds);
      oscillator.onended = () => {
        gain.disconnect();
        this.#sounding.delete(gain);
      };
    }
  }
}
