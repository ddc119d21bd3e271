// What the page says of a call. Pure: it touches neither the page nor the network.

const BOTH_WAYS = ["caller>callee", "callee>caller"];
const AGENT_LISTENS = ["caller>agent", "callee>agent"];
const AGENT_IS_HEARD = { BARGE: ["agent>caller", "agent>callee"], WHISPER: ["agent>callee"], SPY: [] };

// Who hears whom, as "speaker>listener".
export function hearing({ state, mode }) {
  if (state === "ANSWERED") return ["caller>agent", "agent>caller"];
  if (state !== "CONNECTED") return [];
  return mode ? [...BOTH_WAYS, ...AGENT_LISTENS, ...AGENT_IS_HEARD[mode]] : BOTH_WAYS;
}

const WHO_HEARS_THE_AGENT = {
  BARGE: "Everybody hears everybody.",
  WHISPER: "Caller and callee hear each other. Of the two only the callee hears the agent, who hears both.",
  SPY: "Caller and callee hear each other. The agent hears both, and nobody hears the agent.",
};

export function hearingSentence({ state, mode }) {
  switch (state) {
    case "DIALING":
    case "PENDING":
      return "It rings. Nobody hears anybody yet.";
    case "ANSWERED":
      return "Caller and agent hear each other.";
    case "CONNECTED":
      return WHO_HEARS_THE_AGENT[mode] ?? "Caller and callee hear each other. The agent has left.";
    case "RINGING":
      return "Your phone rings. Caller and agent wait for you.";
    default:
      return "Nobody is in a call.";
  }
}

export function title({ state, role, other }) {
  switch (state) {
    case "DIALING":
      return `Calling ${other}`;
    case "PENDING":
      return `Ringing at ${other}`;
    case "RINGING":
      return `${other} calls you`;
    case "ANSWERED":
      return role === "callee" ? "You are on the line" : "You talk with the agent";
    case "CONNECTED":
      return role === "callee" ? `You talk with ${other}` : "The callee is on the line";
    case "DISCONNECTED":
      return "The call is over";
    default:
      return "Ready";
  }
}

export function conversationSentence({ state, reason }) {
  switch (state) {
    case "waiting":
      return "No agent has taken the conversation yet. It waits.";
    case "open":
      return "An agent has the conversation.";
    case "closed":
      return `The conversation is closed. ${reason} Your next message begins a new one.`;
    default:
      return "Nobody has written yet.";
  }
}

export function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

export function preciseClock(seconds) {
  const tenths = Math.max(0, Math.round(seconds * 10));
  return `${clock(tenths / 10)}.${tenths % 10}`;
}

const s = (seconds) => `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
const quoted = (text) => (text ? `: “${text}”` : "");

// What a turn's reaction time is made of.
export const SHARES = ["pause", "thinking", "synthesis", "queue"];

// A record of the timeline: who it is about, and what it says. What is newer than this page is shown as it is.
export function recordLine(record) {
  const line = LINES[record.kind];
  if (line) return line(record);
  const { at: _at, kind, ...members } = record;
  return ["agent", `${kind} ${JSON.stringify(members)}`];
}

const channelName = (channel) => (channel ? ` on channel ${channel}` : "");

const LINES = {
  call: (r) => ["agent", `The voice is opened, at ${r.sample_rate} Hz`],
  state: (r) => ["exchange", r.ending ? `${r.state}: ${r.ending}` : r.state],
  mode: (r) => ["exchange", `Mode ${r.mode}`],
  command: (r) => ["agent", `${r.command}(): ${r.outcome}, in ${s(r.seconds)}`],
  heard: (r) => ["caller", `Heard for ${s(r.speech_end - r.start)}${channelName(r.channel)}`],
  said: (r) => ["agent", `Said ${s(r.heard_seconds)} of ${s(r.seconds)}${quoted(r.text)}`],
  paused: (r) => ["agent", r.reason === "sound" ? "Paused: there is a sound" : "Paused by the program"],
  resumed: (r) => ["agent", r.reason === "sound" ? "Goes on: it was nothing" : "Goes on"],
  interrupted: () => ["caller", "Interrupted the agent"],
  turn: (r) => ["agent", `Answered after ${s(r.total)}: ${SHARES.map((name) => `${name} ${s(r[name])}`).join(", ")}`],
  recording: (r) => ["agent", `Records into ${r.path}`],
  recording_ended: (r) => ["agent", r.failure ? `The recording failed: ${r.failure}` : `Recorded ${s(r.seconds)}`],
  note: (r) => ["agent", detailed(r)],
};

function detailed({ text, details }) {
  const pairs = Object.entries(details ?? {}).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return pairs.length ? `${text} (${pairs.join(", ")})` : text;
}
