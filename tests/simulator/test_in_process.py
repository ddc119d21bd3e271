"""The streams between an SDK and a simulator in one process: Trio's contract for streams."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_calls.simulator._in_process import stream_pair


async def test_bytes_arrive_in_order_in_pieces_of_any_size() -> None:
    one, other = stream_pair()
    await one.wait_send_all_might_not_block()
    await one.send_all(b"12345")
    await one.send_all(bytearray(b"6"))
    assert await other.receive_some(2) == b"12"
    assert await other.receive_some() == b"3456"


async def test_what_was_sent_before_the_end_still_arrives() -> None:
    one, other = stream_pair()
    await one.send_all(b"last words")
    await one.aclose()
    await one.aclose()
    assert await other.receive_some() == b"last words"
    assert await other.receive_some() == b""
    with pytest.raises(trio.BrokenResourceError):
        await other.send_all(b"too late")


async def test_nothing_that_is_sent_is_not_the_end(nursery: trio.Nursery) -> None:
    one, other = stream_pair()
    received: list[bytes | bytearray] = []

    @nursery.start_soon
    async def receive() -> None:
        received.append(await other.receive_some())

    await trio.testing.wait_all_tasks_blocked()
    await one.send_all(b"")
    await trio.testing.wait_all_tasks_blocked()
    assert received == []
    await one.send_all(b"1")
    await trio.testing.wait_all_tasks_blocked()
    assert received == [b"1"]


async def test_a_closed_end_is_closed() -> None:
    one, _ = stream_pair()
    await one.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await one.send_all(b"1")
    with pytest.raises(trio.ClosedResourceError):
        await one.receive_some()


@pytest.mark.parametrize("closer", [0, 1])
async def test_closing_either_end_wakes_who_waits(nursery: trio.Nursery, closer: int) -> None:
    ends = stream_pair()
    ended: list[object] = []

    @nursery.start_soon
    async def receive() -> None:
        try:
            ended.append(await ends[0].receive_some())
        except trio.ClosedResourceError:
            ended.append("closed here")

    await trio.testing.wait_all_tasks_blocked()
    await ends[closer].aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert ended == [("closed here", b"")[closer]]


async def test_cancellation_sends_nothing() -> None:
    one, other = stream_pair()
    with trio.CancelScope() as scope:
        scope.cancel()
        await one.send_all(b"1")
    assert scope.cancelled_caught
    await one.aclose()
    assert await other.receive_some() == b""
