"""What a simulator's operator sees of its calls, on virtual time."""

import io

import pytest
import trio
import trio.testing
from rich.console import Console

from trio_calls import ActiveCall, open_call_client, serve_calls
from trio_calls.audio import tone
from trio_calls.cli.call_watch import CallWatch, printable
from trio_calls.cli.live_view import calls_table, show_calls
from trio_calls.cli.simulator import _Display
from trio_calls.simulator import Simulator, answers, open_simulator


async def coach(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(tone(400, 2, 24000, amplitude=0.1))
    await call.wait_audio_sent()
    await call.connect()
    await call.whisper()
    await trio.sleep(2)
    await call.close()


def drawn(watch: CallWatch, lines: int = 30) -> str:
    console = Console(file=io.StringIO(), width=100, height=lines, force_terminal=False)
    console.print(calls_table(watch, console))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_events_come_in_the_order_of_the_call(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        watch = CallWatch(simulator)
        call = simulator.place_call(pickup=answers(after_seconds=1))
        assert [event for _, event in watch.look()] == ["offered"]
        await nursery.start(serve_calls, coach, simulator.config)
        await trio.sleep(1)
        assert [event for _, event in watch.look()] == ["claimed", "answered"]
        call.caller.say_nowait(tone(400, 9, 24000, amplitude=1))
        await trio.sleep(0.8)
        (row,) = (line for line in drawn(watch).splitlines() if "+65" in line)
        assert row.split("+65 6222 0000")[1].split() == [
            "ANSWERED",
            *["▮▮▮▮▮", "-3", "▮▮▮▮·", "-23", "1.8"],
        ]
        await trio.sleep(2)
        assert [event for _, event in watch.look()] == ["connected", "mode WHISPER"]
        assert "CONNECTED   WHISPER" in drawn(watch)
        await trio.sleep(2)
        assert [event for _, event in watch.look()] == ["agent left"]
        assert "agent left" in drawn(watch)
        call.caller.hang_up()
        events = [event for _, event in watch.look(keep_seconds=5)]
        assert events == ["caller hung up", "ended after 5.8 s"]
        assert "0 calls now, 1 over" in drawn(watch)
        await trio.sleep(4)
        assert watch.look(keep_seconds=5) == []
        assert "over  " in drawn(watch)
        await trio.sleep(2)
        watch.look(keep_seconds=5)
        assert watch.calls == []
        assert watch.over == 1
        nursery.cancel_scope.cancel()


async def test_a_caller_who_gives_up_was_left_by_nobody(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_simulator() as simulator:
        watch = CallWatch(simulator)
        simulator.place_call().caller.hang_up()
        events = [event for _, event in watch.look()]
        assert events == ["offered", "caller hung up", "ended after 0.0 s"]


async def test_who_is_called_by_an_agent_hangs_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_simulator() as simulator, open_call_client(simulator.config) as client:
        watch = CallWatch(simulator)
        session_id = await client.sessions.create("TELCO", "+6591110000")
        (placed,) = simulator.calls
        async with client.open_call(session_id) as call:
            await call.answer()
            placed.callee.hang_up()
            await call.wait_disconnected()
        events = [event for _, event in watch.look()]
        assert events[-2:] == ["callee hung up", "ended after 0.0 s"]


async def test_what_goes_on_is_shown_rather_than_what_is_over(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_simulator() as simulator:
        watch = CallWatch(simulator)
        for number in range(40):
            simulator.place_call(caller=f"caller-{number}")
        for call in simulator.calls[10:]:
            call.caller.hang_up()
        watch.look(keep_seconds=5)
        table = drawn(watch, lines=17)
        assert [f"caller-{number} " in table for number in range(10)] == [True] * 10
        assert "10 calls now, 30 over; levels in dBFS; 30 are not shown" in table
        assert len(table.splitlines()) <= 17


async def test_calls_are_counted_when_older_ones_are_forgotten(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_simulator(keep_finished_calls=2) as simulator:
        watch = CallWatch(simulator)
        goes_on = simulator.place_call(caller="goes-on")
        for number in range(2, 12):
            call = simulator.place_call(caller=f"caller-{number}")
            watch.look(keep_seconds=5)
            call.caller.hang_up()
        events = [(call.number, event) for call, event in watch.look(keep_seconds=5)]
        assert events == [(11, "caller hung up"), (11, "ended after 0.0 s")]
        table = drawn(watch)
        assert [f"{number}  caller-{number} " in table for number in range(2, 12)] == [True] * 10
        assert "1 call now, 10 over" in table
        await trio.sleep(6)
        assert watch.look(keep_seconds=5) == []
        assert [call.number for call in watch.calls] == [1]
        goes_on.caller.hang_up()
        watch.look()
        assert (watch.going_on, watch.over) == (0, 11)


async def display(simulator: Simulator, console: Console) -> str:
    with trio.move_on_after(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_Display(simulator, console).run)
            await trio.sleep(1)
            simulator.place_call(caller="+65 1")
            await trio.sleep_forever()
    return console.file.getvalue() if isinstance(console.file, io.StringIO) else ""


async def test_the_display_suits_where_it_goes(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_simulator() as simulator:
        await display(simulator, Console(file=io.StringIO(), force_terminal=False))
        assert "call 1  +65 1 → +65 6222 0000  offered" in capsys.readouterr().out
        terminal = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)
        drawing = await display(simulator, terminal)
        assert "+65 1 → +65 6222 0000" in drawing
        assert "\x1b[" in drawing
        with trio.move_on_after(1):
            await show_calls(CallWatch(simulator), terminal)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+65 9111 0000", "+65 9111 0000"),
        ("\x1b[2Jgone\n", "?[2Jgone?"),
        ("0" * 30, "0" * 19 + "…"),
    ],
)
def test_numbers_cannot_draw_on_the_terminal(number: str, shown: str) -> None:
    assert printable(number) == shown
