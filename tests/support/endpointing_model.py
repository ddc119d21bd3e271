"""What `Endpointer` is to do, written down slowly: one sample at a time, with nothing remembered.

Every answer is found anew in the list of all samples so far.
"""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls.voice._endpointing import Endpointing, EndReason, SpeechBegan, SpeechEnded


@attrs.define
class Sound:
    """A sound: where its loud samples are. It goes on until there is a long gap."""

    loud: list[int]
    is_over: bool = False


class SlowEndpointer:
    """Takes one sample after another."""

    def __init__(self, settings: Endpointing, sample_rate: int) -> None:
        def samples(seconds: float) -> int:
            return max(1, round(seconds * sample_rate))

        self.settings: Final = settings
        self.hangover: Final = samples(settings.hangover_seconds)
        self.min_speech: Final = samples(settings.min_speech_seconds)
        self.pause: Final = samples(settings.pause_seconds)
        self.longest: Final = samples(settings.max_seconds)
        self.prefix: Final = round(settings.prefix_seconds * sample_rate)
        self.loud: list[bool] = []
        self.sounds: list[Sound] = []
        self.began: list[SpeechBegan] = []
        self.ended: list[SpeechEnded] = []
        self.events: list[SpeechBegan | SpeechEnded] = []

    def feed(self, probability: float) -> None:
        was_loud = bool(self.loud) and self.loud[-1]
        limit = self.settings.stop_probability if was_loud else self.settings.start_probability
        is_loud = probability >= limit
        here = len(self.loud)
        self.loud.append(is_loud)
        if is_loud:
            if not self.sounds or self.sounds[-1].is_over:
                self.sounds.append(Sound([]))
            elif not self.is_open() and self.is_speech(self.sounds[-1]):
                self.begin(at=here)
            self.sounds[-1].loud.append(here)
        elif self.sounds and here + 1 - (self.sounds[-1].loud[-1] + 1) >= self.hangover:
            self.sounds[-1].is_over = True
        self.look(here + 1, is_loud)

    def is_open(self) -> bool:
        return len(self.began) > len(self.ended)

    def is_speech(self, sound: Sound) -> bool:
        return len(sound.loud) >= self.min_speech

    def begin(self, at: int) -> None:
        previous_end = self.ended[-1].end if self.ended else 0
        start = max(previous_end, self.sounds[-1].loud[0] - self.prefix, at - self.longest)
        self.began.append(SpeechBegan(start, at))
        self.events.append(self.began[-1])

    def end(self, at: int, reason: EndReason) -> None:
        start = self.began[-1].start
        speech_end = max(sound.loud[-1] + 1 for sound in self.sounds if self.is_speech(sound))
        self.ended.append(SpeechEnded(start, at, speech_end, reason))
        self.events.append(self.ended[-1])

    def look(self, now: int, is_loud: bool) -> None:
        current = self.sounds[-1] if self.sounds and not self.sounds[-1].is_over else None
        if not self.is_open():
            if current and is_loud and self.is_speech(current):
                self.begin(at=now)
            else:
                return
        if now - self.began[-1].start >= self.longest:
            self.end(now, EndReason.LENGTH)
        elif current is None or self.is_speech(current):
            speech_end = max(sound.loud[-1] + 1 for sound in self.sounds if self.is_speech(sound))
            if now - speech_end >= self.pause:
                self.end(now, EndReason.PAUSE)

    def finish(self) -> None:
        if self.is_open():
            self.end(len(self.loud), EndReason.STREAM_OVER)
