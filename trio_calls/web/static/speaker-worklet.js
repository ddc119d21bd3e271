// Plays what comes over the network, through a jitter buffer that is as deep as it needs to be.
//
// Playing starts when `target` samples wait. When they run out there is a gap, and from then on more
// has to wait. What has not been needed for two seconds is given back, by a crossfade of one block.

const BLOCK = 128; // samples that Web Audio asks for at a time
const FIRST_TARGET_SECONDS = 0.04;
const STEP_SECONDS = 0.02;
const DEEPEST_SECONDS = 0.24;
const RESERVE_SECONDS = 0.02;
const LONGEST_SECONDS = 1;
const WINDOW_SECONDS = 2;
const REPORT_SECONDS = 0.1;

const samplesOf = (seconds) => Math.round(seconds * sampleRate);

class Speaker extends AudioWorkletProcessor {
  #ring = new Float32Array(samplesOf(2 * LONGEST_SECONDS));
  #read = 0; // samples since the beginning; the ring is indexed modulo its length
  #written = 0;
  #target = samplesOf(FIRST_TARGET_SECONDS);
  #isPlaying = false;
  #hasRunDry = false;
  #gaps = 0;
  #least = Infinity; // that waited in this window
  #inWindow = 0;
  #sinceReport = 0;
  #energy = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => (data === "reset" ? this.#reset() : this.#take(new Int16Array(data)));
  }

  get #depth() {
    return this.#written - this.#read;
  }

  #reset() {
    this.#read = this.#written;
    this.#target = samplesOf(FIRST_TARGET_SECONDS);
    this.#isPlaying = this.#hasRunDry = false;
    this.#gaps = 0;
    this.#startWindow();
  }

  #take(pcm) {
    if (this.#hasRunDry) {
      // Only now is it a gap: before, it may have been the end of the call.
      this.#hasRunDry = false;
      this.#gaps += 1;
      this.#target = Math.min(this.#target + samplesOf(STEP_SECONDS), samplesOf(DEEPEST_SECONDS));
    }
    for (const sample of pcm) this.#ring[this.#written++ % this.#ring.length] = sample / 32768;
    if (this.#depth > samplesOf(LONGEST_SECONDS)) this.#read = this.#written - this.#target;
  }

  process(_inputs, [[output]]) {
    if (!this.#isPlaying && this.#depth >= this.#target && this.#depth >= BLOCK) this.#isPlaying = true;
    if (this.#isPlaying) this.#play(output);
    for (const sample of output) this.#energy += sample * sample;
    this.#sinceReport += output.length;
    if (this.#sinceReport >= samplesOf(REPORT_SECONDS)) this.#report();
    return true;
  }

  #play(output) {
    const there = Math.min(output.length, this.#depth);
    for (let i = 0; i < there; i++) output[i] = this.#at(this.#read + i);
    this.#read += there;
    if (there < output.length) {
      this.#isPlaying = false;
      this.#hasRunDry = true;
      this.#startWindow();
      return;
    }
    this.#least = Math.min(this.#least, this.#depth);
    this.#inWindow += there;
    if (this.#inWindow >= samplesOf(WINDOW_SECONDS)) this.#giveBack(output);
  }

  // Fade from where it has read to what comes so much later.
  #giveBack(output) {
    const surplus = this.#least - samplesOf(RESERVE_SECONDS);
    this.#startWindow();
    if (surplus < samplesOf(RESERVE_SECONDS / 2)) return;
    const start = this.#read - output.length;
    for (let i = 0; i < output.length; i++) {
      output[i] += ((this.#at(start + surplus + i) - output[i]) * i) / output.length;
    }
    this.#read += surplus;
  }

  #startWindow() {
    this.#least = Infinity;
    this.#inWindow = 0;
  }

  #at(position) {
    return this.#ring[position % this.#ring.length];
  }

  #report() {
    this.port.postMessage({
      depthMs: (1000 * this.#depth) / sampleRate,
      gaps: this.#gaps,
      level: Math.sqrt(this.#energy / this.#sinceReport),
    });
    this.#energy = this.#sinceReport = 0;
  }
}

registerProcessor("speaker", Speaker);
