// The phone: one tab, one number, one call at a time.

import { Audio, level } from "./audio.js";
import { Chat } from "./chat.js";
import { Connection } from "./connection.js";
import { element, Lines } from "./lines.js";
import { loudness, Meter } from "./meter.js";
import { MuteButton } from "./mute.js";
import { drawRoom, showVoice } from "./room.js";
import { Tones } from "./tones.js";
import { clock, title } from "./wording.js";

const $ = (id) => document.getElementById(id);
const ASKING = "The browser asks whether this page may use the microphone: allow it, to be heard.";
const NO_CALL = { call_id: null, state: "NONE", mode: null, role: null, other: "", ending: null };
const OVER = ["NONE", "DISCONNECTED"];
const TONES = { RINGING: "bell", DIALING: "ringback", PENDING: "ringback" };
const token = new URLSearchParams(location.search).get("token") ?? "";

let call = NO_CALL;
let startedAt = 0;
let sampleRate = 0;
let isRestoring = false; // asks for the number that it had before a reload

const audio = new Audio({ frame: sendFrame, heard: showHeard, changed: showSound });
const tones = new Tones(audio);
const connection = new Connection(token, { message: receive, audio: (pcm) => audio.play(pcm), lost });
const saidMeter = new Meter($("said"));
const heardMeter = new Meter($("heard"));
const mute = new MuteButton($("mute"), (isMuted) => {
  audio.isMuted = isMuted;
  showSound();
});
const transcript = new Lines($("lines"), (isFilled) => ($("no-lines").hidden = isFilled));
const chat = new Chat(sendMessage);
const timeline = new Lines($("records"), (isFilled) => ($("timeline").hidden = !isFilled));

// What the server says

function receive(message) {
  receivers[message.type]?.(message); // what is newer than this page means nothing to it
}

const receivers = {
  async hello({ sample_rate, number, dial, faults, agent }) {
    sampleRate = sample_rate;
    $("number").value = number;
    if (!$("to").value) $("to").value = dial ?? "";
    $("agent").textContent = agent || "your agent";
    chat.clear();
    offerFaults(faults ?? []);
    showLink("up", "Connected");
    const kept = sessionStorage.getItem("number");
    isRestoring = kept !== null && kept !== number;
    if (isRestoring) connection.send("register", { number: kept });
    try {
      await audio.prepare(sample_rate);
    } catch (error) {
      showError(`This browser plays no sound at ${sample_rate} Hz (${error.message}).`);
    }
    showSound();
  },
  registered({ number }) {
    $("number").value = number;
    sessionStorage.setItem("number", number);
    chat.clear();
    isRestoring = false;
    showError("");
  },
  error({ message, about }) {
    if (about === "register") sessionStorage.removeItem("number");
    if (about === "register" && isRestoring) {
      isRestoring = false; // a copy of this tab has it: the new number will do
    } else if (about === "dial" && call.call_id === null && call.state === "DIALING") {
      change({ state: "DISCONNECTED", ending: message });
    } else if (about === "write") chat.refused(message);
    else showError(message);
  },
  ringing({ call_id, caller }) {
    begin({ call_id, state: "RINGING", role: "callee", other: caller });
  },
  ring_ended({ call_id, reason }) {
    if (call.state === "RINGING" && call.call_id === call_id) change({ state: "DISCONNECTED", ending: reason });
  },
  call({ call_id, role, state, mode, ending }) {
    if (call.call_id === null && call.state === "DIALING") change({ call_id });
    if (call.call_id !== call_id) begin({ call_id, role, state, mode, other: $("to").value });
    change({ role, state, mode, ending });
  },
  event: (event) => transcript.event(event),
  timeline: ({ record }) => timeline.record(record),
  message: (message) => chat.message(message),
  conversation: (conversation) => chat.conversation(conversation),
  recordings: ({ files }) => offerFiles(files),
};

function lost(why) {
  showLink("down", why ? "Shut out" : "Server gone: trying again…");
  if (why) showError(why);
  if (!OVER.includes(call.state)) {
    change({ state: "DISCONNECTED", mode: null, ending: "The connection to the server is lost." });
  }
}

// The call

function begin(members) {
  call = { ...NO_CALL, ...members };
  startedAt = performance.now();
  audio.startCall();
  transcript.clear();
  timeline.clear();
  offerFiles([]);
  showError("");
  show();
}

function change(members) {
  call = { ...call, ...members };
  show();
}

function show() {
  const isOver = OVER.includes(call.state);
  const isRinging = call.state === "RINGING";
  document.body.dataset.state = call.state;
  setText("title", title(call));
  setText("subtitle", call.ending ?? subtitle());
  setText("state", call.state === "NONE" ? "NO CALL" : call.state);
  setText("mode", call.mode ?? "");
  $("mode").hidden = !call.mode || isOver;
  $("clock").hidden = call.state === "NONE";
  $("incoming").hidden = !isRinging;
  $("dial").classList.toggle("aside", isRinging);
  $("number").disabled = $("to").disabled = !isOver;
  $("call").disabled = !isOver;
  $("hang-up").disabled = isOver || isRinging;
  mute.isEnabled = !isOver && !isRinging;
  $("break").disabled = isOver;
  tones.play(TONES[call.state] ?? null);
  if (isOver) quieten();
  drawRoom(call);
  document.title = call.state === "NONE" ? "Phone · trio-calls" : `${title(call)} · trio-calls`;
}

function quieten() {
  saidMeter.reset();
  heardMeter.reset();
  showVoice(null, 0);
}

function subtitle() {
  if (call.state === "NONE") return "Dial, or wait for a call.";
  return { caller: "You are the caller.", callee: "You are the callee." }[call.role] ?? "";
}

setInterval(() => {
  if (!OVER.includes(call.state)) setText("clock", clock((performance.now() - startedAt) / 1000));
}, 250);

// What whoever sits here does

$("dial").addEventListener("submit", async (event) => {
  event.preventDefault();
  const to = $("to").value.trim();
  if (!OVER.includes(call.state)) return;
  if (!to) {
    $("to").focus();
    showError("Which number do you want to call?");
    return;
  }
  await audio.wake();
  if (connection.send("dial", { to })) begin({ state: "DIALING", role: "caller", other: to });
  else showError("There is no connection to the server.");
});

$("number").addEventListener("change", () => connection.send("register", { number: $("number").value.trim() }));
$("hang-up").addEventListener("click", () => connection.send("hang_up"));
$("answer").addEventListener("click", async () => {
  await audio.wake();
  connection.send("answer");
});
$("decline").addEventListener("click", () => connection.send("decline"));
$("break").addEventListener("click", () => connection.send("fault", { name: $("fault").value }));

function sendMessage(text) {
  const isSent = connection.send("write", { text });
  showError(isSent ? "" : "There is no connection to the server.");
  return isSent;
}

$("pad").addEventListener("click", (event) => {
  const key = event.target.closest("button")?.dataset.key;
  if (key) press(key);
});

function press(key) {
  const isTalking = ["ANSWERED", "CONNECTED"].includes(call.state);
  if (OVER.includes(call.state)) $("to").value += key;
  tones.key(key, isTalking);
}

addEventListener("keydown", (event) => {
  if (event.target.closest("input, select") || event.ctrlKey || event.altKey || event.metaKey) return;
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button) press(event.key);
});

// Any gesture wakes the sound, not only that of its button.
for (const name of ["pointerup", "keyup"]) {
  addEventListener(name, () => audio.isWaiting && audio.wake());
}

// A page that was left may live on with its socket open: it hangs up, and begins anew when it is back.
addEventListener("pagehide", () => {
  connection.close();
  audio.close();
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

// Sound

function sendFrame(pcm) {
  if (OVER.includes(call.state) || call.state === "RINGING") return;
  const said = level(pcm);
  saidMeter.show(said);
  showVoice(call.role, loudness(said));
  connection.sendAudio(pcm);
}

function showHeard({ depthMs, gaps, level: heard }) {
  if (!OVER.includes(call.state)) heardMeter.show(heard);
  const dry = gaps ? `, ${gaps} ${gaps === 1 ? "gap" : "gaps"}` : "";
  setText("buffer", `buffer ${Math.round(depthMs)} ms${dry}`);
}

function showSound() {
  $("sound-notice").hidden = !audio.isWaiting;
  setText("what-is-off", audio.isAwake ? "The microphone" : "Sound");
  const notice = audio.isAsking ? ASKING : (audio.refusal ?? "");
  $("microphone-notice").hidden = !notice;
  setText("microphone-notice", notice);
  setText("microphone-state", microphoneState());
  document.body.dataset.microphone = microphoneState();
  if (audio.isAwake && sampleRate) showLink("up", `Connected · ${sampleRate / 1000} kHz`);
}

function microphoneState() {
  if (audio.isMuted) return "muted";
  if (audio.refusal) return "listen only";
  return audio.hasMicrophone ? "live" : "off";
}

// The rest of the page

function offerFaults(faults) {
  $("faults").hidden = faults.length === 0;
  $("fault").replaceChildren(...faults.map(({ name, title: text }) => new Option(text, name)));
}

function offerFiles(files) {
  $("recordings").hidden = files.length === 0;
  $("files").replaceChildren(...files.map(file));
}

function file({ name, url }) {
  const item = element("li");
  const link = element("a", "", name);
  const player = element("audio");
  const address = new URL(url, location.href);
  address.searchParams.set("token", token);
  Object.assign(link, { href: address, download: name });
  Object.assign(player, { controls: true, preload: "metadata", src: address });
  player.setAttribute("aria-label", name);
  item.append(link, player);
  return item;
}

function showLink(state, text) {
  $("link").dataset.link = state;
  setText("link", text);
}

function showError(text) {
  $("error").hidden = !text;
  setText("error", text);
}

function setText(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text; // or a screen reader would read it again
}

window.phone = { audio, connection }; // for the console, and for tests that listen in
show();
connection.open();
