// The picture of who hears whom: three circles, and an arrow for each pair that hears.

import { hearing, hearingSentence } from "./wording.js";

const picture = document.getElementById("picture");
const sentence = document.getElementById("hearing");
const wires = [...picture.querySelectorAll(".wire")];
const parties = [...picture.querySelectorAll(".party")];

export function drawRoom(call) {
  const pairs = new Set(hearing(call));
  for (const wire of wires) {
    const { from, to } = wire.dataset;
    const isOn = pairs.has(`${from}>${to}`);
    wire.classList.toggle("on", isOn);
    if (isOn) wire.setAttribute("marker-end", `url(#head-${from})`);
    else wire.removeAttribute("marker-end");
  }
  for (const party of parties) {
    const name = party.dataset.party;
    const isIn = [...pairs].some((pair) => pair.split(">").includes(name));
    party.classList.toggle("in", isIn);
    party.classList.toggle("rings", !isIn && rings(call, name));
    party.classList.toggle("is-you", name === call.role);
  }
  const text = hearingSentence(call);
  if (sentence.textContent !== text) sentence.textContent = text;
}

function rings({ state }, name) {
  if (state === "RINGING") return name === "callee";
  return name === "agent" && (state === "DIALING" || state === "PENDING");
}

// The circle of whoever sits before this page moves with the voice: 0 is silence, 1 full scale.
export function showVoice(role, loudness) {
  for (const party of parties) {
    const isSpeaking = party.dataset.party === role;
    party.style.setProperty("--voice", isSpeaking ? loudness.toFixed(2) : "0");
  }
}
