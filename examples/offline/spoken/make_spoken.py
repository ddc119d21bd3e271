"""Speaks what callers and callees say in the tests, into the folder of this script.

Mono, 16-bit, 8 kHz, as telephones have it. Run it from the top of the checkout:
`python -m examples.offline.spoken.make_spoken`.
"""

from pathlib import Path
from typing import Final

from examples.offline.speaking import SAMPLE_RATE, Synthesizer
from trio_calls.audio import Resampler, write_wav

FILE_RATE: Final = 8000
FOLDER: Final = Path(__file__).parent

CALLER: Final = {
    "lovely_day": "What a lovely day it is today.",
    "ada_repair": "Hello, this is Ada, it is about a repair.",
    "alan_invoice": "Hi, I am Alan, it's about my invoice.",
    "my_name_is_grace": "My name is Grace.",
    "about_a_rental": "It is about a rental.",
    "tomorrow_morning": "I need it tomorrow morning.",
    "thank_you": "Wonderful, I am on my way.",
}
CALLEE: Final = {"bicycle_is_ready": "Good morning. Your bicycle is ready."}


def main() -> None:
    for pitch, lines in ((0.88, CALLER), (0.8, CALLEE)):
        voice = Synthesizer(pitch)
        for name, text in lines.items():
            to_file = Resampler(SAMPLE_RATE, FILE_RATE, "recording")
            pcm = to_file.feed(voice.pcm(text)) + to_file.finish()
            write_wav(FOLDER / f"{name}.wav", pcm, FILE_RATE)


if __name__ == "__main__":
    main()
