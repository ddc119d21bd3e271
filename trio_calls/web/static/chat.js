// The messages of this number, as over WhatsApp: they go on beside any call.

import { Lines } from "./lines.js";
import { conversationSentence } from "./wording.js";

const form = document.getElementById("write");
const input = document.getElementById("text");
const status = document.getElementById("conversation");

export class Chat {
  #lines = new Lines(document.getElementById("messages"), () => {});
  #sent = "";

  // send: sends a text, and returns whether that was possible.
  constructor(send) {
    this.clear();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text && send(text)) {
        this.#sent = text;
        input.value = "";
      }
      input.focus();
    });
  }

  clear() {
    this.#lines.clear();
    this.conversation({ state: "none" });
  }

  message(message) {
    this.#lines.event(message);
  }

  conversation(conversation) {
    this.#say(conversationSentence(conversation));
  }

  // What was not sent is there to be sent again, unless something else is being written.
  refused(why) {
    this.#say(`Not sent: ${why}`);
    if (!input.value) input.value = this.#sent;
  }

  #say(sentence) {
    if (status.textContent !== sentence) status.textContent = sentence; // or it would be read again
  }
}
