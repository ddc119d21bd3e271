"""The people of ``trio-calls run --simulate``: the options that say what they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import click

from trio_calls.cli import values
from trio_calls.cli.conversation import (
    Speech,
    SpokenLine,
    conversation_options,
    speech,
    spoken_lines,
)
from trio_calls.simulator import Pickup, answers
from trio_calls.simulator._dialing import pickup_of
from trio_calls.wire.dialing import PickupKind

CommandT = TypeVar("CommandT", bound=Callable[..., object])

_PICKUP: Final = (PickupKind.ANSWERS, 1.0)


@attrs.frozen
class People:
    """What caller and callee do in a simulated call.

    Attributes:
      lines: what the caller says; nothing: the sentence of an example, after a greeting.
      callee_say: what the callee says after picking up; None: the sentence of an example.
      pickup: what the callee does when the phone rings.
      record: the WAV file to write what the caller hears into, as it is heard; None for none.
    """

    lines: Sequence[SpokenLine] = ()
    callee_say: Speech | None = None
    pickup: Pickup = attrs.field(factory=lambda: answers(after_seconds=_PICKUP[1]))
    record: Path | None = None


def people_options(command: CommandT) -> CommandT:
    """Add the options to a `ConversationCommand`."""
    for option in (
        click.option(
            "--record",
            type=values.file_to_write,
            metavar="WAV",
            help="With --simulate: write here what the caller hears, as it is heard.",
        ),
        click.option(
            "--callee",
            "pickup",
            type=values.pickup,
            metavar="answers[:SECONDS]|declines[:SECONDS]|never",
            help="With --simulate: what the callee does once the agent connects the call.  "
            "[default: answers:1]",
        ),
        click.option(
            "--callee-say",
            type=speech,
            metavar="WAV",
            help="With --simulate: what the callee says after picking up.",
        ),
    ):
        command = option(command)
    return conversation_options(command)


def people_of(
    context: click.Context,
    *,
    callee_say: Speech | None,
    pickup: tuple[PickupKind, float] | None,
    record: Path | None,
    **said: Any,
) -> People:
    """Make the people of the values of the options.

    Args:
      context: the context of the command.
      callee_say: the value of ``--callee-say``.
      pickup: the value of ``--callee``.
      record: the value of ``--record``.
      said: the values of the options of a conversation.

    Raises:
      UsageError: they make no sense together.
    """
    lines = spoken_lines(context, **said)
    return People(lines, callee_say, pickup_of(*(pickup or _PICKUP)), record)


def refuse_people(context: click.Context, options: dict[str, Any]) -> None:
    """Raise a `UsageError` if one of the options was given, where there are no such people."""
    for parameter in context.command.params:
        if options.get(str(parameter.name)):
            raise click.UsageError(
                f"{parameter.opts[0]} is for a simulated call: give --simulate, too"
            )
