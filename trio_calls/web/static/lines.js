// Lists of what happens: the transcript, and the records of the voice's timeline.

import { preciseClock, recordLine, SHARES } from "./wording.js";

const MOST_LINES = 500;

export class Lines {
  #list;
  #whenFilled;

  constructor(list, whenFilled) {
    this.#list = list;
    this.#whenFilled = whenFilled;
  }

  clear() {
    this.#list.replaceChildren();
    this.#whenFilled(false);
  }

  event({ at, from, text }) {
    this.#add(at, from, text);
  }

  record(record) {
    const [from, text] = recordLine(record);
    const line = this.#add(record.at, from, text);
    if (record.kind === "turn") line.append(shares(record));
  }

  #add(at, from, text) {
    const list = this.#list;
    const scroller = list.parentElement;
    const wasAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    const line = element("li", from);
    line.append(element("time", "", preciseClock(at)), element("b", "who", from), element("span", "text", text));
    list.append(line);
    if (list.children.length > MOST_LINES) list.firstElementChild.remove();
    this.#whenFilled(true);
    if (wasAtEnd) scroller.scrollTop = scroller.scrollHeight; // whoever reads further up is left in peace
    return line;
  }
}

// A picture of what the line says already.
function shares(turn) {
  const bar = element("div", "shares");
  bar.setAttribute("aria-hidden", "true");
  for (const name of SHARES) {
    const share = element("span", name);
    share.style.flexGrow = Math.round(1000 * turn[name]);
    if (turn[name] > 0) bar.append(share);
  }
  return bar;
}

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
