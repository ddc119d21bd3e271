// The page's ears and mouth: an AudioContext at the exchange's rate, with a worklet each way.

const ASKED_FOR = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
};

const REFUSALS = {
  NotAllowedError: "The browser refuses the microphone. You can listen; to be heard, allow it beside the address.",
  NotFoundError: "There is no microphone. You can listen, and nobody hears you.",
  NotReadableError: "Another program holds the microphone. You can listen, and nobody hears you.",
};
const INSECURE =
  "A browser gives sound and microphone to pages of this machine or over HTTPS only. Start the server with --tls.";

export class Audio {
  #handlers;
  #microphone = null;
  #speaker = null;
  #asked = null;
  #ready = null;
  #stream = null;
  #isMuted = false;
  context = null;
  output = null; // what this phone hears, before the loudspeaker

  // Handlers: frame(ArrayBuffer, level), heard({depthMs, gaps, level}), changed().
  constructor(handlers) {
    this.#handlers = handlers;
  }

  // A sentence when there is no microphone, and null when there is one or nobody has asked yet.
  refusal = null;

  isAsking = false;
  hasMicrophone = false;
  #wasAsked = false; // for the microphone, since there is this context

  get isAwake() {
    return this.context?.state === "running";
  }

  // Whether a gesture is still to come. Sound alone may run without one: some browsers let it where
  // another page of the same origin listens, or where whoever uses them has allowed it.
  get isWaiting() {
    return this.context !== null && !(this.isAwake && this.#wasAsked);
  }

  async prepare(sampleRate) {
    if (this.context?.sampleRate === sampleRate) return;
    await this.close();
    if (!window.isSecureContext) {
      this.refusal = INSECURE;
      return;
    }
    const context = new AudioContext({ sampleRate, latencyHint: "interactive" });
    this.context = context;
    context.onstatechange = () => this.#handlers.changed();
    this.#ready = this.#build(context);
    this.#handlers.changed();
    await this.#ready;
  }

  async #build(context) {
    await Promise.all([
      context.audioWorklet.addModule("/static/microphone-worklet.js"),
      context.audioWorklet.addModule("/static/speaker-worklet.js"),
    ]);
    this.#speaker = new AudioWorkletNode(context, "speaker", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#speaker.port.onmessage = ({ data }) => this.#handlers.heard(data);
    this.#speaker.connect(context.destination);
    this.output = this.#speaker;
    this.#microphone = this.#newMicrophone(context, context.sampleRate);
  }

  // After a gesture: a context that had none stays suspended. Asks for the microphone the first time.
  async wake() {
    if (!this.context) return;
    this.#asked ??= this.#askForMicrophone();
    await Promise.all([this.context.resume(), this.#asked]);
  }

  play(pcm) {
    if (this.isAwake) this.#speaker?.port.postMessage(pcm, [pcm]);
  }

  startCall() {
    this.#speaker?.port.postMessage("reset");
  }

  // Where tones are made: for the loudspeaker and, if they are meant for the other side, for the microphone's line.
  toneContexts(isSaid) {
    return new Set(isSaid ? [this.context, this.#microphone.context] : [this.context]);
  }

  connectTone(node, isSaid) {
    if (node.context === this.context) node.connect(this.context.destination);
    if (isSaid && node.context === this.#microphone.context) node.connect(this.#microphone);
  }

  get isMuted() {
    return this.#isMuted;
  }

  set isMuted(isMuted) {
    this.#isMuted = isMuted;
    this.#microphone?.port.postMessage({ isMuted });
  }

  async close() {
    const contexts = new Set([this.context, this.#microphone?.context]);
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.hasMicrophone = false;
    this.context = this.#speaker = this.#microphone = this.output = this.#asked = null;
    this.#wasAsked = false;
    await Promise.all([...contexts].map((context) => context?.close()));
  }

  #newMicrophone(context, rate) {
    const options = { channelCount: 1, channelCountMode: "explicit", processorOptions: { rate } };
    const node = new AudioWorkletNode(context, "microphone", options);
    node.port.onmessage = ({ data }) => this.#handlers.frame(data);
    node.port.postMessage({ isMuted: this.#isMuted });
    node.connect(context.destination); // silent; what is connected to nothing may not be run
    return node;
  }

  async #askForMicrophone() {
    const context = this.context;
    this.isAsking = this.#wasAsked = true;
    this.#handlers.changed();
    try {
      await this.#ready;
      this.#stream = await navigator.mediaDevices.getUserMedia(ASKED_FOR);
      await this.#plugIn(context, this.#stream);
      this.refusal = null;
      this.hasMicrophone = true;
    } catch (error) {
      this.refusal = REFUSALS[error.name] ?? `There is no microphone (${error.message}). You can listen.`;
      this.#asked = null; // the next gesture asks again: it may have been allowed meanwhile
    } finally {
      this.isAsking = false;
      this.#handlers.changed();
    }
  }

  async #plugIn(context, stream) {
    try {
      context.createMediaStreamSource(stream).connect(this.#microphone);
    } catch (error) {
      if (error.name !== "NotSupportedError") throw error;
      await this.#plugInAtItsOwnRate(stream, context.sampleRate);
    }
  }

  // Firefox joins no microphone to a context of another rate: the worklet then changes the rate.
  async #plugInAtItsOwnRate(stream, rate) {
    const context = new AudioContext();
    await context.audioWorklet.addModule("/static/microphone-worklet.js");
    const source = context.createMediaStreamSource(stream);
    const lowPass = new BiquadFilterNode(context, { type: "lowpass", frequency: 0.42 * rate });
    const silenced = this.#microphone;
    silenced.disconnect();
    silenced.port.onmessage = null;
    this.#microphone = this.#newMicrophone(context, rate);
    source.connect(lowPass).connect(this.#microphone);
  }
}

// Root mean square of 16-bit samples, as a fraction of full scale.
export function level(pcm) {
  const samples = new Int16Array(pcm);
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return Math.sqrt(energy / samples.length) / 32768;
}
