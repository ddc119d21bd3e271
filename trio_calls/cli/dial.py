"""``trio-calls dial``: places calls into a running simulator."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import click
import trio

from trio_calls.cli import values
from trio_calls.cli.conversation import (
    ConversationCommand,
    Speech,
    conversation_options,
    speech,
    spoken_lines,
)
from trio_calls.cli.dial_order import SIMULATOR_KEY, SIMULATOR_URL, Order, Result
from trio_calls.cli.dial_report import CallCounter, print_summary
from trio_calls.cli.dial_view import DialView
from trio_calls.cli.dialed_call import dial_call
from trio_calls.cli.outcome import TERMINATED, Failure, run_trio
from trio_calls.cli.signals import run_until_signal, status_after
from trio_calls.wire.dialing import Dial, PickupKind

_EXAMPLES: Final = """\b
Examples:
  trio-calls dial --say hello.wav --record heard.wav
  trio-calls dial --say hello.wav --then 3s question.wav --after-silence 2s thanks.wav
  trio-calls dial --callee declines --hang-up-after 20
  trio-calls dial --calls 50 --rate 5/s
"""


@click.command(cls=ConversationCommand, epilog=_EXAMPLES)
@click.option(
    "--url",
    type=values.simulator_url,
    metavar="URL",
    default=SIMULATOR_URL,
    show_default=True,
    help="Where `trio-calls simulator` serves.",
)
@click.option(
    "--api-key",
    default=SIMULATOR_KEY,
    show_default=True,
    help="The key that the simulator was started with.",
)
@click.option(
    "--from",
    "caller",
    type=values.telephone_number,
    metavar="NUMBER",
    default="+65 9111 0000",
    show_default=True,
    help="The number that calls.",
)
@click.option(
    "--to",
    "callee",
    type=values.telephone_number,
    metavar="NUMBER",
    default="+65 6222 0000",
    show_default=True,
    help="The number that is called.",
)
@conversation_options
@click.option(
    "--callee-say",
    type=speech,
    metavar="WAV",
    help="What the callee says after picking up.",
)
@click.option(
    "--record",
    type=values.file_to_write,
    metavar="WAV",
    help="Write here what the caller hears, as it is heard; with --calls, NAME-1.wav, NAME-2.wav …",
)
@click.option(
    "--callee",
    "pickup",
    type=values.pickup,
    default="answers:2",
    show_default=True,
    metavar="answers[:SECONDS]|declines[:SECONDS]|never",
    help="What the callee does once the agent connects the call.",
)
@click.option(
    "--calls",
    type=click.IntRange(1, 100_000),
    default=1,
    show_default=True,
    help="How many calls to place.",
)
@click.option(
    "--rate",
    type=values.rate,
    default="5/s",
    show_default=True,
    metavar="NUMBER/s",
    help="How many calls to begin a second, or a minute: 90/m.",
)
@click.option(
    "--hang-up-after",
    type=values.seconds,
    metavar="SECONDS",
    help="The caller hangs up so long after the answer, if the agent has not. Without it: 10 s "
    "after the answer, or after its last word if that is later.",
)
@click.option(
    "--ring-for",
    type=values.seconds,
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="The caller gives up after so much ringing.",
)
@click.pass_context
def dial(
    context: click.Context,
    *,
    url: str,
    api_key: str,
    caller: str,
    callee: str,
    say: Sequence[Speech],
    then: Sequence[tuple[float, Speech]],
    after_silence: Sequence[tuple[float, Speech]],
    callee_say: Speech | None,
    record: Path | None,
    pickup: tuple[PickupKind, float],
    calls: int,
    rate: float,
    hang_up_after: float | None,
    ring_for: float,
) -> None:
    """Place calls into a running `trio-calls simulator`.

    The caller holds a conversation: what it says is given by --say, --then and --after-silence, in
    their order. While one call lasts, a line tells each thing that happens; on a terminal there is
    a line with the levels of all parties, too. Agents of either wire take the calls.

    Exit status 0 only if every call was taken by an agent and answered, or connected to the callee;
    1 if any was not.
    """
    order = Order(
        url=url,
        api_key=api_key,
        dial=Dial(
            *(caller, callee, *pickup),
            wants_recording=record is not None,
            wants_status=calls == 1,
        ),
        lines=spoken_lines(context, say, then, after_silence),
        callee_say=callee_say,
        ring_seconds=ring_for,
        talk_seconds=hang_up_after,
    )
    records = _record_paths(record, calls)
    place_calls = partial(_place_calls, order, records, rate)
    results = run_trio(run_until_signal, place_calls, mendable=Failure)
    if isinstance(results, signal.Signals):
        context.exit(status_after(results, if_terminated=TERMINATED))
    print_summary(results, order.lines)
    _report_faults([result.recording_fault for result in results if result.recording_fault])
    context.exit(1 if any(result.failure for result in results) else 0)


async def _place_calls(order: Order, records: Sequence[Path | None], rate: float) -> list[Result]:
    """Place one call and tell what happens, or several and count them."""
    if len(records) > 1:
        return await _place_many(order, records, rate)
    view = DialView()
    with view.shown():
        return [await dial_call(order, records[0], view)]


async def _place_many(order: Order, records: Sequence[Path | None], rate: float) -> list[Result]:
    """Start calls on a schedule that no call delays, and wait until all are over.

    Args:
      order: what all calls have in common.
      records: for each call, the file to record it in, or None.
      rate: how many calls to begin a second.
    """
    results = [Result() for _ in records]
    counter = CallCounter(len(records))
    began = trio.current_time()
    async with counter.shown(), trio.open_nursery() as nursery:
        for index, record in enumerate(records):
            await trio.sleep_until(began + index / rate)
            nursery.start_soon(_place_call, order, record, results, index, counter)
    return results


async def _place_call(
    order: Order, record: Path | None, results: list[Result], index: int, counter: CallCounter
) -> None:
    results[index] = await dial_call(order, record)
    counter.add(results[index])


def _record_paths(record: Path | None, calls: int) -> list[Path | None]:
    """Return the file for each call; those of several calls are numbered."""
    if record is None or calls == 1:
        return [record] * calls
    numbers = range(1, calls + 1)
    return [record.with_name(f"{record.stem}-{number}{record.suffix}") for number in numbers]


def _report_faults(faults: Sequence[str]) -> None:
    """Raise a `Failure` if recordings are not complete."""
    if not faults:
        return
    more = f" ({len(faults) - 1} more recordings failed)" if len(faults) > 1 else ""
    raise Failure(f"{faults[0]}; what was recorded before is kept{more}")
