"""Plays the call of the front page, and records it: `python docs/landing_call.py`.

It is a call to `examples/front_desk.py`, in virtual time. The recording has both voices, as
somebody at Ada's telephone would hear them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import soundfile

CHECKOUT: Final = Path(__file__).resolve().parent.parent
# Run as a script, this plays what is in the checkout that it is in.
sys.path.insert(0, str(CHECKOUT))

from examples import front_desk  # noqa: E402
from examples.book.stage import (  # noqa: E402
    REQUEST,
    SAMPLE_RATE,
    THANKS,
    Ada,
    Scene,
    load,
    note,
    run,
)
from trio_calls.audio import mix, to_samples  # noqa: E402
from trio_calls.demo.stories import Listener  # noqa: E402

RECORDING: Final = CHECKOUT / "docs" / "_static" / "front-desk.opus"
STORY: Final = CHECKOUT / "docs" / "front_desk_story.txt"

HELLO: Final = load("callee_hello", "Sales, good morning. How can I help?")


async def ask_for_sales(ada: Ada) -> None:
    """Have Ada put through, and talk with sales once the desk has left."""
    await Listener(ada.call.caller).wait_sentence()
    await ada.say(REQUEST)
    await ada.call.wait_agent_left()
    note("sales has picked up, and the desk has left")
    note(f"sales says “{HELLO.words}”")
    await ada.call.callee.say(HELLO)
    await ada.say(THANKS)
    ada.hang_up()


def play() -> Scene:
    """Play the call."""
    return run(front_desk.handle_call, ask_for_sales)


def story(scene: Scene) -> str:
    """Write down what happened, and when."""
    return "".join(f"{seconds:6.1f} s  {text}\n" for seconds, text in scene.story())


def main() -> None:
    """Record the call."""
    scene = play()
    phone = scene.call.caller
    both = mix(to_samples(phone.heard), to_samples(phone.said))
    soundfile.write(RECORDING, both, SAMPLE_RATE, format="OGG", subtype="OPUS")
    STORY.write_text(story(scene), encoding="utf-8")


if __name__ == "__main__":
    main()
