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
    pytest.mark.slow,
]

owner: ContextVar[str] = ContextVar("owner")


@attrs.define(eq=False)
class SocketPair:
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
def pairs() -> Iterator[list[SocketPair]]:
    made = [SocketPair(*socket.socketpair()) for _ in range(3)]
    yield made
    for pair in made:
        pair.here.close()
        pair.there.close()


async def started(nursery: trio.Nursery, pairs: list[SocketPair]) -> None:
    """Serve pairs; the first one's task is the one that waits for all."""
    for pair in pairs:
        nursery.start_soon(pair.serve)
        await wait_all_tasks_blocked()


async def say(pairs: list[SocketPair], data: bytes) -> None:
    for pair in pairs:
        pair.there.send(data)
    for pair in pairs:
        while pair.heard[-1:] != [data]:
            await pair.news.wait()
    await wait_all_tasks_blocked()


async def test_everybody_hears_what_is_theirs(pairs: list[SocketPair]) -> None:
    async with trio.open_nursery() as nursery:
        await started(nursery, pairs)
        for number, pair in enumerate(pairs):
            await say([pair], b"%d" % number)
        await say(pairs, b"all")
        nursery.cancel_scope.cancel()
    assert [pair.heard for pair in pairs] == [[b"0", b"all"], [b"1", b"all"], [b"2", b"all"]]


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_the_others_hear_on_when_one_is_cancelled(pairs: list[SocketPair], who: int) -> None:
    async with trio.open_nursery() as nursery:
        await started(nursery, pairs)
        gone = pairs.pop(who)
        gone.scope.cancel()
        await wait_all_tasks_blocked()
        await say(pairs, b"still there")
        assert gone.outcome == "cancelled"
        assert gone.heard == []
        assert [pair.outcome for pair in pairs] == ["served", "served"]
        nursery.cancel_scope.cancel()
        gone.here.close()
        gone.there.close()


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_the_others_hear_on_when_one_has_enough(pairs: list[SocketPair], who: int) -> None:
    pairs[who].on_read = lambda _: False
    async with trio.open_nursery() as nursery:
        await started(nursery, pairs)
        await say(pairs, b"hello")
        assert pairs[who].outcome == "had enough"
        others = [pair for pair in pairs if pair is not pairs[who]]
        await say(others, b"and on")
        pairs[who].there.send(b"too late")
        await say(others, b"and on and on")
        assert pairs[who].heard == [b"hello"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_what_goes_wrong_is_its_owners(pairs: list[SocketPair], who: int) -> None:
    pairs[who].on_read = lambda _: bool(1 / 0)
    async with trio.open_nursery() as nursery:
        await started(nursery, pairs)
        await say(pairs, b"hello")
        await say([pair for pair in pairs if pair is not pairs[who]], b"and on")
        nursery.cancel_scope.cancel()
    outcomes = [pair.outcome for pair in pairs]
    assert outcomes.pop(who) == "ZeroDivisionError"
    assert outcomes == ["served", "served"]


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_a_socket_that_is_closed_is_served_no_longer(
    pairs: list[SocketPair], who: int
) -> None:
    async with trio.open_nursery() as nursery:
        await started(nursery, pairs)
        closed = pairs.pop(who)
        closed.close()
        # Another one gets its number at once.
        pairs.append(SocketPair(*socket.socketpair()))
        nursery.start_soon(pairs[-1].serve)
        await wait_all_tasks_blocked()
        assert closed.outcome == "ClosedResourceError"
        await say(pairs, b"still there")
        nursery.cancel_scope.cancel()
    closed.there.close()


def closing(pair: SocketPair) -> Callable[[bytes], bool]:
    def close(_: bytes) -> bool:
        pair.close()
        return True

    return close


async def test_one_that_is_read_may_close_another_that_has_something(
    pairs: list[SocketPair],
) -> None:
    first, second, third = pairs
    async with trio.open_nursery() as nursery:
        await started(nursery, pairs)
        first.on_read = closing(second)
        second.on_read = closing(first)
        first.there.send(b"?")
        second.there.send(b"?")
        await say([third], b"all is well")
        heard = [first.heard, second.heard]
        assert sorted(heard) == [[], [b"?"]]
        nursery.cancel_scope.cancel()


async def test_whose_turn_it_is_may_be_gone_before_it_comes(pairs: list[SocketPair]) -> None:
    first, second, third = pairs
    async with trio.open_nursery() as nursery:
        await started(nursery, pairs)
        # The second is next, and is closed in the same instant.
        first.scope.cancel()
        second.close()
        await wait_all_tasks_blocked()
        await say([third], b"still there")
        nursery.cancel_scope.cancel()


async def test_each_is_read_in_the_context_of_its_owner(pairs: list[SocketPair]) -> None:
    seen: list[str] = []

    def note_owner(_: bytes) -> bool:
        seen.append(owner.get())
        return True

    async def serve(name: str, pair: SocketPair) -> None:
        owner.set(name)
        pair.on_read = note_owner
        await pair.serve()

    async with trio.open_nursery() as nursery:
        for name, pair in zip("ABC", pairs, strict=True):
            nursery.start_soon(serve, name, pair)
            await wait_all_tasks_blocked()
        for pair in reversed(pairs):
            await say([pair], b"?")
        nursery.cancel_scope.cancel()
    assert seen == ["C", "B", "A"]


async def test_a_socket_that_was_closed_unasked_can_be_cancelled(pairs: list[SocketPair]) -> None:
    async with trio.open_nursery() as nursery:
        await started(nursery, pairs)
        pairs[0].here.close()
        pairs[0].scope.cancel()
        await say(pairs[1:], b"still there")
        assert pairs[0].outcome == "cancelled"
        nursery.cancel_scope.cancel()


async def test_nothing_is_left_open(pairs: list[SocketPair]) -> None:
    before = os.listdir("/proc/self/fd")
    for pair in pairs:
        async with trio.open_nursery() as nursery:
            await started(nursery, [pair])
            await say([pair], b"hello")
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
        served: list[SocketPair] = []
        made: list[SocketPair] = []
        async with trio.open_nursery() as nursery:
            for number, (step, choice) in enumerate(steps):
                pair = served[choice % len(served)] if served else None
                if step == "join":
                    made.append(SocketPair(*socket.socketpair()))
                    served.append(made[-1])
                    nursery.start_soon(made[-1].serve)
                    await wait_all_tasks_blocked()
                elif step == "say all":
                    await say(served, b"%d" % number)
                elif pair is None:
                    continue
                elif step == "say":
                    await say([pair], b"%d" % number)
                else:
                    served.remove(pair)
                    (pair.scope.cancel if step == "cancel" else pair.close)()
                if pauses:
                    await wait_all_tasks_blocked()
            await say(served, b"the end")
            assert all(pair.outcome == "served" for pair in served)
            nursery.cancel_scope.cancel()
        for pair in made:
            pair.here.close()
            pair.there.close()

    trio.run(main)
