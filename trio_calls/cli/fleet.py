"""``trio-calls fleet``: the calls of all workers, on whatever machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs
import click

from trio_calls.cli.outcome import Failure, run_trio, sentence_of
from trio_calls.errors import WSSConfigError, WSSFleetError
from trio_calls.fleet import CallEntry, CallEvent, Fleet, FleetView, WorkerEntry

#: Where Redis is, for workers and for whoever looks.
REDIS_VARIABLE: Final = "WSS_REDIS_URL"

#: What is said once in a while; a worker that is silent for longer has trouble.
_SILENT_SECONDS: Final = 10.0

_MENDABLE: Final = (OSError, ValueError, WSSConfigError, WSSFleetError)

_EXAMPLE: Final = f"""\b
Example:
  export {REDIS_VARIABLE}=redis://:PASSWORD@redis.internal:6379/0
  trio-calls run my_agent.py                on each machine
  trio-calls fleet calls                    from any machine
  trio-calls fleet whisper CALL offer.wav
  trio-calls fleet drain WORKER
"""


@click.group(epilog=_EXAMPLE)
@click.option(
    "--redis",
    envvar=REDIS_VARIABLE,
    metavar="URL",
    help=f"Where Redis is. {REDIS_VARIABLE} says it, too, and shows no password to other users.",
)
@click.pass_context
def fleet(context: click.Context, redis: str | None) -> None:
    """See the calls of all workers, and act on one.

    Workers tell Redis of their calls where `trio-calls run` finds WSS_REDIS_URL or has --fleet, or
    where a program opens `open_directory`. Calls do not depend on it. It needs the extra `fleet`.

    Exit status 0 if it was done, 1 if not: there is no such call or worker, the worker has not
    answered, or Redis has not.
    """
    context.obj = redis


def _fleet_at(redis: str | None) -> Fleet:
    if not redis:
        raise click.UsageError(f"where is Redis? Set {REDIS_VARIABLE}, or use --redis")
    try:
        return Fleet(redis)
    except (WSSConfigError, ModuleNotFoundError) as error:
        raise Failure(sentence_of(error)) from None


@fleet.command
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_obj
def calls(redis: str | None, as_json: bool) -> None:
    """List all workers, and the calls of each.

    Telephone numbers are listed where workers tell them: see `trio-calls run --show-numbers`.
    """
    view = run_trio(_fleet_at(redis).view, mendable=_MENDABLE)
    click.echo(_as_json(view) if as_json else "\n".join(_lines_of(view)))


@fleet.command(short_help="Print what happens to a call.")
@click.argument("call")
@click.pass_obj
def events(redis: str | None, call: str) -> None:
    """Print what has happened to CALL, and what happens to it, until it is over.

    The number in front counts seconds since its worker has got it.
    """
    fleet = _fleet_at(redis)

    async def print_events() -> None:
        async with fleet.follow(call) as happenings:
            async for event in happenings:
                click.echo(_line_of(event))

    run_trio(print_events, mendable=_MENDABLE)


@fleet.command(short_help="Let the agent leave a call.")
@click.argument("call")
@click.pass_obj
def close(redis: str | None, call: str) -> None:
    """Let the agent leave CALL, after what it has said.

    In a conference the others go on talking. A call that is ringing goes on ringing.
    """
    run_trio(_fleet_at(redis).close, call, mendable=_MENDABLE)
    click.echo("the agent has left")


@fleet.command(short_help="Play a recording to the callee alone.")
@click.argument("call")
@click.argument("recording", metavar="WAV", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def whisper(redis: str | None, call: str, recording: Path) -> None:
    """Play a recording to the callee of CALL, and to nobody else.

    The call must be connected. WAV may last 60 s, at any sample rate, mono or stereo.
    """
    run_trio(_fleet_at(redis).whisper, call, recording, mendable=_MENDABLE)
    click.echo("the callee has heard it")


@fleet.command(short_help="Let a worker take no more calls.")
@click.argument("worker")
@click.pass_obj
def drain(redis: str | None, worker: str) -> None:
    """Let WORKER take no more calls, and end when those in progress are over.

    It is what SIGTERM does to it. Of several workers of one machine the others go on, and another
    starts in its place.
    """
    in_progress = run_trio(_fleet_at(redis).drain, worker, mendable=_MENDABLE)
    click.echo(f"{worker} takes no more calls; {in_progress} in progress")


def _lines_of(view: FleetView) -> Iterable[str]:
    if not view.workers:
        yield "no worker tells of its calls"
    for worker in view.workers:
        own = [call for call in view.calls if call.worker_id == worker.worker_id]
        yield _line_of_worker(worker, len(own))
        yield from map(_line_of_call, own)
    if view.unreadable:
        yield f"({view.unreadable} entries make no sense)"


def _line_of_worker(worker: WorkerEntry, count: int) -> str:
    room = "" if worker.capacity is None else f" of {worker.capacity}"
    calls = "1 call" if count == 1 and not room else f"{count}{room} calls"
    remarks = [
        "takes no more calls" if worker.is_draining else "",
        "" if worker.is_connected else "not connected to the exchange",
        "" if worker.is_whole else "Redis is full: not all is listed",
        f"silent for {_time(worker.silent_seconds)}"
        if worker.silent_seconds > _SILENT_SECONDS
        else "",
    ]
    return ", ".join(filter(None, [f"{worker.worker_id}: {calls}", *remarks]))


def _line_of_call(call: CallEntry) -> str:
    state = call.state.name if call.mode is None else f"{call.state.name} {call.mode.name}"
    numbers = [call.caller_number or "", call.callee_number or ""]
    from_to = f"  {numbers[0] or '?'} -> {numbers[1] or '?'}" if any(numbers) else ""
    return f"  {call.call_id}  {state:<18}{_time(call.state_seconds):>9}{from_to}"


def _line_of(event: CallEvent) -> str:
    state = event.state.name if event.mode is None else f"{event.state.name} {event.mode.name}"
    return f"{event.seconds:9.3f}  {event.kind.value:<12}{state:<18}{event.detail}".rstrip()


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _as_json(view: FleetView) -> str:
    return json.dumps(attrs.asdict(view, value_serializer=_plain), indent=2)


def _plain(instance: object, attribute: object, value: Any) -> Any:
    return getattr(value, "name", value)
