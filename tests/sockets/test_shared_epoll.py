"""Many sockets and one wait, on socket pairs: whoever goes, the others are read on."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.support.transports import on_one_transport
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.transport._shared_epoll import IS_AVAILABLE, serve_socket, unregister_socket

pytestmark = [
    on_one_transport,
    pytest.mark.skipif(not IS_AVAILABLE, reason="there is no epoll here"),
]

owner: ContextVar[str] = ContextVar("owner")


@attrs.define(eq=False)
class Line:
    """A socket that is served, and the other end of it."""

    here: socket.socket
    there: socket.socket
    heard: list[bytes] = attrs.field(factory=list)
    news: Wakeup = attrs.field(factory=Wakeup)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    outcome: str = "served"
    on_read: Callable[[bytes], bool] = bool

    async def serve(self) -> None:
        with self.scope:
            try:
                await serve_socket(self.here.fileno(), self.read)
                self.outcome = "had enough"
            except (trio.ClosedResourceError, ZeroDivisionError) as error:
                self.outcome = type(error).__name__
        if self.scope.cancelled_caught:
            self.outcome = "cancelled"

    def read(self) -> bool:
        data = self.here.recv(100)
        self.heard.append(data)
        self.news.wake()
        return self.on_read(data)

    def close(self) -> None:
        """What whoever closes a socket does."""
        unregister_socket(self.here.fileno())
        self.here.close()


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    made = [Line(*socket.socketpair()) for _ in range(3)]
    yield made
    for line in made:
        line.here.close()
        line.there.close()


async def started(nursery: trio.Nursery, lines: list[Line]) -> None:
    """Serve lines; the first one's task is the one that waits for all."""
    for line in lines:
        nursery.start_soon(line.serve)
        await wait_all_tasks_blocked()


async def say(lines: list[Line], data: bytes) -> None:
    for line in lines:
        line.there.send(data)
    for line in lines:
        while line.heard[-1:] != [data]:
            await line.news.wait()
    await wait_all_tasks_blocked()


async def test_everybody_hears_what_is_theirs(lines: list[Line]) -> None:
    async with trio.open_nursery() as nursery:
        await started(nursery, lines)
        for number, line in enumerate(lines):
            await say([line], b"%d" % number)
        await say(lines, b"all")
        nursery.cancel_scope.cancel()
    assert [line.heard for line in lines] == [[b"0", b"all"], [b"1", b"all"], [b"2", b"all"]]


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_the_others_hear_on_when_one_is_cancelled(lines: list[Line], who: int) -> None:
    async with trio.open_nursery() as nursery:
        await started(nursery, lines)
        gone = lines.pop(who)
        gone.scope.cancel()
        await wait_all_tasks_blocked()
        await say(lines, b"still there")
        assert gone.outcome == "cancelled"
        assert gone.heard == []
        assert [line.outcome for line in lines] == ["served", "served"]
        nursery.cancel_scope.cancel()
        gone.here.close()
        gone.there.close()


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_the_others_hear_on_when_one_has_enough(lines: list[Line], who: int) -> None:
    lines[who].on_read = lambda _: False
    async with trio.open_nursery() as nursery:
        await started(nursery, lines)
        await say(lines, b"hello")
        assert lines[who].outcome == "had enough"
        others = [line for line in lines if line is not lines[who]]
        await say(others, b"and on")
        lines[who].there.send(b"too late")
        await say(others, b"and on and on")
        assert lines[who].heard == [b"hello"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_what_goes_wrong_is_its_owners(lines: list[Line], who: int) -> None:
    lines[who].on_read = lambda _: bool(1 / 0)
    async with trio.open_nursery() as nursery:
        await started(nursery, lines)
        await say(lines, b"hello")
        await say([line for line in lines if line is not lines[who]], b"and on")
        nursery.cancel_scope.cancel()
    outcomes = [line.outcome for line in lines]
    assert outcomes.pop(who) == "ZeroDivisionError"
    assert outcomes == ["served", "served"]


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_a_socket_that_is_closed_is_served_no_longer(lines: list[Line], who: int) -> None:
    async with trio.open_nursery() as nursery:
        await started(nursery, lines)
        closed = lines.pop(who)
        closed.close()
        # Another one gets its number at once.
        lines.append(Line(*socket.socketpair()))
        nursery.start_soon(lines[-1].serve)
        await wait_all_tasks_blocked()
        assert closed.outcome == "ClosedResourceError"
        await say(lines, b"still there")
        nursery.cancel_scope.cancel()
    closed.there.close()


def closing(line: Line) -> Callable[[bytes], bool]:
    def close(_: bytes) -> bool:
        line.close()
        return True

    return close


async def test_one_that_is_read_may_close_another_that_has_something(lines: list[Line]) -> None:
    first, second, third = lines
    async with trio.open_nursery() as nursery:
        await started(nursery, lines)
        first.on_read = closing(second)
        second.on_read = closing(first)
        first.there.send(b"?")
        second.there.send(b"?")
        await say([third], b"all is well")
        heard = [first.heard, second.heard]
        assert sorted(heard) == [[], [b"?"]]
        nursery.cancel_scope.cancel()


async def test_whose_turn_it_is_may_be_gone_before_it_comes(lines: list[Line]) -> None:
    first, second, third = lines
    async with trio.open_nursery() as nursery:
        await started(nursery, lines)
        # The second is next, and is closed in the same instant.
        first.scope.cancel()
        second.close()
        await wait_all_tasks_blocked()
        await say([third], b"still there")
        nursery.cancel_scope.cancel()


async def test_each_is_read_in_the_context_of_its_owner(lines: list[Line]) -> None:
    seen: list[str] = []

    def note_owner(_: bytes) -> bool:
        seen.append(owner.get())
        return True

    async def serve(name: str, line: Line) -> None:
        owner.set(name)
        line.on_read = note_owner
        await line.serve()

    async with trio.open_nursery() as nursery:
        for name, line in zip("ABC", lines, strict=True):
            nursery.start_soon(serve, name, line)
            await wait_all_tasks_blocked()
        for line in reversed(lines):
            await say([line], b"?")
        nursery.cancel_scope.cancel()
    assert seen == ["C", "B", "A"]


async def test_a_socket_that_was_closed_unasked_can_be_cancelled(lines: list[Line]) -> None:
    async with trio.open_nursery() as nursery:
        await started(nursery, lines)
        lines[0].here.close()
        lines[0].scope.cancel()
        await say(lines[1:], b"still there")
        assert lines[0].outcome == "cancelled"
        nursery.cancel_scope.cancel()


async def test_nothing_is_left_open(lines: list[Line]) -> None:
    before = os.listdir("/proc/self/fd")
    for line in lines:
        async with trio.open_nursery() as nursery:
            await started(nursery, [line])
            await say([line], b"hello")
            nursery.cancel_scope.cancel()
        assert os.listdir("/proc/self/fd") == before


STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "cancel", "close", "say", "say all"]), st.integers(0, 7)),
    max_size=25,
)


@given(steps=STEPS, pauses=st.booleans())
def test_whatever_happens_all_that_is_said_is_heard(
    *, steps: list[tuple[str, int]], pauses: bool
) -> None:
    async def main() -> None:
        served: list[Line] = []
        made: list[Line] = []
        async with trio.open_nursery() as nursery:
            for number, (step, choice) in enumerate(steps):
                line = served[choice % len(served)] if served else None
                if step == "join":
                    made.append(Line(*socket.socketpair()))
                    served.append(made[-1])
                    nursery.start_soon(made[-1].serve)
                    await wait_all_tasks_blocked()
                elif step == "say all":
                    await say(served, b"%d" % number)
                elif line is None:
                    continue
                elif step == "say":
                    await say([line], b"%d" % number)
                else:
                    served.remove(line)
                    (line.scope.cancel if step == "cancel" else line.close)()
                if pauses:
                    await wait_all_tasks_blocked()
            await say(served, b"the end")
            assert all(line.outcome == "served" for line in served)
            nursery.cancel_scope.cancel()
        for line in made:
            line.here.close()
            line.there.close()

    trio.run(main)
