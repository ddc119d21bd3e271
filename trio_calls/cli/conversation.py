"""The options with which somebody holds a conversation: what the caller says, and when.

``--say a.wav --then 3s b.wav --after-silence 1s c.wav``: the order counts, across the three. click
keeps the values of each option by itself, so that a command with these options has to be a
`ConversationCommand`, which notes the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import attrs
import click

from trio_calls._quoting import printable
from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio._recording import Recording
from trio_calls.cli import values
from trio_calls.simulator.phones.lines import Line

CommandT = TypeVar("CommandT", bound=Callable[..., object])

_SAY: Final = "say"
_THEN: Final = "then"
_AFTER_SILENCE: Final = "after_silence"
_ORDER: Final = "trio_calls.cli.conversation.order"


@attrs.frozen
class Speech:
    """The content of a WAV file that somebody says.

    Attributes:
      name: the file's name, fit for a terminal.
      recording: the audio.
    """

    name: str
    recording: Recording

    @property
    def seconds(self) -> float:
        """How long it takes to say it."""
        return len(self.recording.samples) / self.recording.sample_rate

    def to_pcm(self, sample_rate: int) -> bytes:
        """Return the audio at a sample rate in Hz; of one sample, if there would be none."""
        return self.recording.to_pcm(sample_rate) or bytes(SAMPLE_BYTES)


@attrs.frozen
class SpokenLine:
    """Something that the caller says, and when.

    Attributes:
      speech: what it says.
      wait_seconds: how long it waits for that, as `Line` has it.
      for_silence: whether it must have heard nothing meanwhile.
    """

    speech: Speech
    wait_seconds: float = 0.0
    for_silence: bool = False

    def at_rate(self, sample_rate: int) -> Line:
        """Return the line for a call of that sample rate, in Hz."""
        return Line(self.speech.to_pcm(sample_rate), self.wait_seconds, self.for_silence)


class ConversationCommand(click.Command):
    """A command that notes in which order its options are given."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, once for their order and once for their values."""
        args = _without_needless_say(args)
        _, _, order = self.make_parser(context).parse_args(list(args))
        context.meta[_ORDER] = [parameter.name for parameter in order]
        return super().parse_args(context, args)


def _without_needless_say(args: Sequence[str]) -> list[str]:
    """Make ``--then 3s b.wav`` of ``--then 3s --say b.wav``, which is as easily guessed."""
    kept: list[str] = []
    for arg in args:
        is_after_seconds = kept[-2:-1] in (["--then"], ["--after-silence"])
        if not is_after_seconds or not arg.startswith("--say"):
            kept.append(arg)
        elif arg.startswith("--say="):
            kept.append(arg.removeprefix("--say="))
    return kept


def conversation_options(command: CommandT) -> CommandT:
    """Add ``--say``, ``--then`` and ``--after-silence`` to a `ConversationCommand`."""
    timed = (values.seconds, speech)
    for option in (
        click.option(
            "--after-silence",
            type=timed,
            multiple=True,
            metavar="SECONDS WAV",
            help="What the caller says as soon as it has heard nothing for so long, counted from "
            "the end of what it said before, or from the answer. Can be repeated.",
        ),
        click.option(
            "--then",
            type=timed,
            multiple=True,
            metavar="SECONDS WAV",
            help="What the caller says so long after it has said what comes before. Can be "
            "repeated: --say a.wav --then 3s b.wav --then 1.5s c.wav.",
        ),
        click.option(
            "--say",
            type=speech,
            multiple=True,
            metavar="WAV",
            help="What the caller says when the call is answered; or right after what comes "
            "before. Any sample rate, mono or stereo. Can be repeated.",
        ),
    ):
        command = option(command)
    return command


def speech(path: str) -> Speech:
    """Read a WAV file that somebody says.

    Raises:
      Failure: the file cannot be read.
    """
    if path.startswith("--"):
        raise click.BadParameter(f"{path} stands where a WAV file must be")
    return Speech(printable(Path(path).name), values.recording(path))


def spoken_lines(
    context: click.Context,
    say: Sequence[Speech],
    then: Sequence[tuple[float, Speech]],
    after_silence: Sequence[tuple[float, Speech]],
) -> list[SpokenLine]:
    """Return what the caller says, in the order of the command line.

    Args:
      context: the context of a `ConversationCommand`.
      say: the values of ``--say``.
      then: the values of ``--then``.
      after_silence: the values of ``--after-silence``.

    Raises:
      UsageError: ``--then`` comes first.
    """
    of_option = {
        _SAY: iter([SpokenLine(speech) for speech in say]),
        _THEN: iter([SpokenLine(speech, seconds) for seconds, speech in then]),
        _AFTER_SILENCE: iter([SpokenLine(speech, wait, True) for wait, speech in after_silence]),
    }
    order = [name for name in context.meta[_ORDER] if name in of_option]
    if order[:1] == [_THEN]:
        raise click.UsageError(
            "--then is for what comes after something: begin with --say or --after-silence"
        )
    return [next(of_option[name]) for name in order]
