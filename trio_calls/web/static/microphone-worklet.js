// Cuts what the microphone says into messages of 20 ms of 16-bit PCM. Without one it says silence.

const FRAME_SECONDS = 0.02;

class Microphone extends AudioWorkletProcessor {
  #step; // of its own rate, for one sample at the exchange's rate
  #position = 0;
  #last = 0;
  #frame;
  #filled = 0;
  #isMuted = false;

  constructor({ processorOptions: { rate } }) {
    super();
    this.#step = sampleRate / rate;
    this.#frame = new Int16Array(Math.round(rate * FRAME_SECONDS));
    this.port.onmessage = ({ data }) => (this.#isMuted = data.isMuted);
  }

  process([input], [output]) {
    const samples = input[0] ?? output[0]; // nothing plugged in: the output, which is silent
    // Where both rates are the same the position is always 0, and each sample goes as it is.
    for (const sample of samples) {
      while (this.#position < 1) {
        const between = this.#last + (sample - this.#last) * this.#position;
        this.#put(this.#step === 1 ? sample : between);
        this.#position += this.#step;
      }
      this.#position -= 1;
      this.#last = sample;
    }
    return true;
  }

  #put(sample) {
    const value = this.#isMuted ? 0 : Math.max(-1, Math.min(1, sample));
    this.#frame[this.#filled++] = Math.round(value * 32767);
    if (this.#filled < this.#frame.length) return;
    const pcm = this.#frame.buffer;
    this.#frame = new Int16Array(this.#filled);
    this.#filled = 0;
    this.port.postMessage(pcm, [pcm]);
  }
}

registerProcessor("microphone", Microphone);
