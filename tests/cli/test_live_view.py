"""The simulator's table of calls, on terminals of any width."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from rich.cells import cell_len
from rich.console import Console

from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import tone
from trio_calls.cli.call_watch import CallWatch
from trio_calls.cli.live_view import calls_table
from trio_calls.simulator import answers, open_simulator

UTF_8, ASCII = "utf-8", "ascii"

#: What is there at which width.
HEADINGS = {
    40: "caller → callee state",
    60: "# caller → callee state mode s",
    80: "# caller → callee state mode caller callee agent s",
    120: "call caller → callee state mode caller callee agent s",
}


async def coach(call: ActiveCall) -> None:
    await call.connect()
    await call.whisper()
    call.send_audio_nowait(tone(400, 5, 24000, amplitude=0.1))
    await trio.sleep_forever()


def drawn(watch: CallWatch, width: int, *, encoding: str = UTF_8, lines: int = 30) -> list[str]:
    """Draw the table, and return its lines."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, height=lines, color_system=None)
    console.print(calls_table(watch, console))
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return file.buffer.getvalue().decode(encoding).splitlines()


@asynccontextmanager
async def open_watch(*callers: str) -> AsyncIterator[CallWatch]:
    """Watch calls in which the agent has whispered for 1 s."""
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, coach, simulator.config)
        for caller in callers:
            simulator.place_call(caller=caller, pickup=answers(after_seconds=1))
        await trio.sleep(2)
        watch = CallWatch(simulator)
        watch.look()
        yield watch
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("width", HEADINGS)
async def test_who_calls_whom_stays_as_columns_go(
    width: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_watch("+65 9111 0000") as watch:
        lines = drawn(watch, width)
    assert [line for line in lines if " ".join(line.split()) == HEADINGS[width]]
    (row,) = (line for line in lines if "+65" in line)
    assert "+65 9111 0000 → +65 6222 0000 " in row
    assert "CONNECTED" in row
    assert ("WHISPER" in row) == (width >= 60)
    assert ("▮▮▮▮·" in row) == (width >= 80)
    assert (" -23 " in row) == ("; levels in dBFS" in lines[-1]) == (width >= 120)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", HEADINGS)
async def test_a_terminal_of_ascii_is_shown_the_same(
    width: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_watch("+65 9111 0000") as watch:
        lines = drawn(watch, width, encoding=ASCII)
    assert max(map(len, lines)) <= width
    shown = "\n".join(lines)
    assert "+65 9111 0000 ->" in shown
    assert "+65 6222 0000" in shown
    assert ("####." in shown) == (width >= 80)


async def test_long_numbers_take_two_lines_where_it_is_narrow(
    autojump_clock: trio.testing.MockClock,
) -> None:
    longest = "+49 170 123456789012"
    async with open_watch("+65 9111 0000", longest) as watch:
        lines = drawn(watch, 40)
        assert max(map(cell_len, lines)) <= 40
        first = next(place for place, line in enumerate(lines) if longest in line)
        assert lines[first].startswith(f"2 {longest} → CONNECTED")
        assert lines[first + 1].split() == ["+65", "6222", "0000"]
        assert [line for line in drawn(watch, 60) if f"{longest} → +65 6222 0000 " in line]
        # Each takes two lines, so that one of them has to go.
        few = drawn(watch, 40, lines=9)
    assert longest in "\n".join(few)
    assert "; 1 are not shown" in " ".join(" ".join(few).split())
    assert len(few) <= 9


async def test_a_table_without_calls_has_its_headings(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_watch() as watch:
        assert "# caller → callee state" in " ".join(" ".join(drawn(watch, 40)).split())
