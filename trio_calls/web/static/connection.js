// The WebSocket to the server: JSON both ways, binary messages of audio both ways.

const SERVER_IS_SILENT_MS = 8000; // it pings every 2 s
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
const MOST_WAITING_BYTES = 48000; // a second of audio at 24 kHz: what is older is of no use to anybody

export class Connection {
  #token;
  #handlers;
  #socket = null;
  #pauseMs = FIRST_PAUSE_MS;
  #isClosed = false;
  #watch = 0;
  #retry = 0;

  // Handlers: message(object), audio(ArrayBuffer), lost(why): why is a sentence, and null at first.
  constructor(token, handlers) {
    this.#token = token;
    this.#handlers = handlers;
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const token = encodeURIComponent(this.#token);
    const socket = new WebSocket(`${scheme}://${location.host}/ws?token=${token}`);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => this.#expectPing(socket);
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = () => this.#lose(socket);
  }

  send(type, members = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ type, ...members }));
    return true;
  }

  sendAudio(pcm) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount < MOST_WAITING_BYTES) this.#socket.send(pcm);
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#watch);
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  #receive(socket, data) {
    if (socket !== this.#socket || this.#isClosed) return;
    this.#expectPing(socket);
    if (typeof data !== "string") {
      this.#handlers.audio(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "ping") {
      this.send("pong", { n: message.n });
      return;
    }
    this.#pauseMs = FIRST_PAUSE_MS; // a server that refuses at once is not asked in a hurry
    this.#handlers.message(message);
  }

  // A network that has gone closes no socket: silence tells.
  #expectPing(socket) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      socket.onclose = null;
      socket.close();
      this.#lose(socket);
    }, SERVER_IS_SILENT_MS);
  }

  async #lose(socket) {
    if (socket !== this.#socket || this.#isClosed) return;
    clearTimeout(this.#watch);
    this.#socket = null;
    this.#handlers.lost("");
    // A WebSocket does not tell why it was refused. The page that it belongs to does.
    const response = await fetch(location.href, { method: "GET", cache: "no-store" }).catch(() => null);
    if (this.#isClosed) return;
    if (response && [401, 403].includes(response.status)) {
      this.#handlers.lost("The address of this page is no longer valid. Open the one that the terminal shows.");
      return;
    }
    this.#retry = setTimeout(() => this.open(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
