"""Two of our own ends, talking over memory streams in virtual time."""

from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from trio_calls.transport import (
    HandshakeRefused,
    HandshakeRequest,
    Rejection,
    WebSocket,
    WebSocketClosed,
    accept_websocket,
    connect_websocket,
)


async def open_pair(nursery: trio.Nursery) -> tuple[WebSocket, WebSocket]:
    """Opens a WebSocket in memory. Its background tasks run in `nursery`."""
    client_stream, server_stream = memory_stream_pair()
    accepted = []

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return client_stream

    async def accept() -> None:
        _, websocket = await accept_websocket(
            nursery, server_stream, lambda request: None, within_seconds=10
        )
        accepted.append(websocket)

    nursery.start_soon(accept)
    client = await connect_websocket(
        nursery,
        "ws://exchange",
        headers={},
        ssl_context=None,
        open_stream=open_stream,
        within_seconds=10,
    )
    await wait_all_tasks_blocked()
    [server] = accepted
    return client, server


@pytest.fixture(params=["client", "server"])
async def ends(
    request: pytest.FixtureRequest, nursery: trio.Nursery
) -> tuple[WebSocket, WebSocket]:
    """This end and the other end: either may be the client."""
    client, server = await open_pair(nursery)
    return (client, server) if request.param == "client" else (server, client)


Ends = tuple[WebSocket, WebSocket]


@pytest.mark.parametrize("text", ["", "hello", "grüß dich \N{TELEPHONE RECEIVER}", "x" * 2**19])
async def test_text_arrives_as_it_was_sent(
    autojump_clock: MockClock, ends: Ends, text: str
) -> None:
    here, there = ends
    await here.send(text)
    assert await there.receive_batch() == [text]


@pytest.mark.parametrize("data", [b"", b"\0", bytes(range(256)), b"\xff" * 2**20])
async def test_binary_arrives_as_it_was_sent(
    autojump_clock: MockClock, ends: Ends, data: bytes
) -> None:
    here, there = ends
    await here.send(data)
    assert await there.receive_batch() == [data]


async def test_messages_arrive_in_order_and_whole(
    autojump_clock: MockClock, ends: Ends, nursery: trio.Nursery
) -> None:
    here, there = ends
    sent = [str(number) if number % 2 else bytes(number) for number in range(100)]

    async def send() -> None:
        for message in sent:
            await here.send(message)

    nursery.start_soon(send)
    received: list[str | bytes] = []
    while len(received) < len(sent):
        received += await there.receive_batch()
    assert received == sent


async def test_messages_are_handed_over_until_that_is_enough(
    autojump_clock: MockClock, ends: Ends, nursery: trio.Nursery
) -> None:
    here, there = ends
    received: list[str | bytes] = []

    def take(messages: list[str | bytes]) -> bool:
        received.extend(messages)
        return "enough" not in messages

    for message in ("one", "two", "enough"):
        await here.send(message)
        await wait_all_tasks_blocked()
    await there.receive_each(take)
    assert received == ["one", "two", "enough"]
    await here.send("goodbye")
    nursery.start_soon(here.aclose)
    with pytest.raises(WebSocketClosed):
        await there.receive_each(take)
    assert received[3:] == ["goodbye"]
    with pytest.raises(WebSocketClosed):
        await there.receive_each(take)


async def receive_until_closed(end: WebSocket) -> None:
    with suppress(WebSocketClosed):
        while True:
            await end.receive_batch()


async def test_a_ping_is_answered_by_who_receives(
    autojump_clock: MockClock, ends: Ends, nursery: trio.Nursery
) -> None:
    for end in ends:
        nursery.start_soon(receive_until_closed, end)
    here, there = ends
    with trio.fail_after(1):
        await here.ping()
    await there.aclose()


async def test_what_was_sent_before_the_close_is_still_received(
    ends: Ends, nursery: trio.Nursery
) -> None:
    here, there = ends
    await here.send("goodbye")
    nursery.start_soon(here.aclose)
    assert await there.receive_batch() == ["goodbye"]
    with pytest.raises(WebSocketClosed):
        await there.receive_batch()


async def test_a_close_is_noticed_by_both_ends(autojump_clock: MockClock, ends: Ends) -> None:
    here, there = ends
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_until_closed, there)
        await here.aclose()
    for end in ends:
        with pytest.raises(WebSocketClosed):
            await end.receive_batch()
        with pytest.raises(WebSocketClosed):
            await end.send("too late")
        with pytest.raises(WebSocketClosed):
            await end.send(b"too late")
        with pytest.raises(WebSocketClosed):
            await end.ping()
    await there.aclose()
    assert trio.current_time() == 0


async def test_closing_again_does_nothing(autojump_clock: MockClock, ends: Ends) -> None:
    here, there = ends
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_until_closed, there)
        await here.aclose()
    await here.aclose()
    await there.aclose()
    await there.aclose()
    assert trio.current_time() == 0


async def test_both_ends_may_close_at_once(autojump_clock: MockClock, ends: Ends) -> None:
    async with trio.open_nursery() as nursery:
        for end in ends:
            nursery.start_soon(end.aclose)
    assert trio.current_time() == 0


async def test_a_close_wakes_who_waits_for_a_message(autojump_clock: MockClock, ends: Ends) -> None:
    here, there = ends
    woken = []

    async def receive(end: WebSocket) -> None:
        with pytest.raises(WebSocketClosed):
            await end.receive_batch()
        woken.append(end)

    async with trio.open_nursery() as nursery:
        for end in ends:
            nursery.start_soon(receive, end)
        await wait_all_tasks_blocked()
        await there.aclose()
    assert set(woken) == {here, there}


async def test_a_cancelled_close_drops_the_connection(
    autojump_clock: MockClock, ends: Ends
) -> None:
    here, there = ends
    with trio.CancelScope() as scope:
        scope.cancel()
        await here.aclose()
    with pytest.raises(WebSocketClosed):
        await there.receive_batch()


async def test_a_closed_connection_leaves_no_task_behind(autojump_clock: MockClock) -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client, server = await open_pair(nursery)
            await client.aclose()
            await server.aclose()
            await wait_all_tasks_blocked()
            assert not nursery.child_tasks


async def test_a_server_sees_what_is_asked_for_and_may_refuse_it(
    autojump_clock: MockClock,
) -> None:
    client_stream, server_stream = memory_stream_pair()
    asked: list[HandshakeRequest] = []

    def decide(request: HandshakeRequest) -> Rejection:
        asked.append(request)
        return Rejection(401, "no such token")

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return client_stream

    async def accept() -> None:
        with pytest.raises(HandshakeRefused) as refused:
            await accept_websocket(nursery, server_stream, decide, within_seconds=10)
        assert refused.value.status_code == 401

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        with pytest.raises(HandshakeRefused) as caught:
            await connect_websocket(
                nursery,
                "ws://exchange/media?call=1",
                headers={"Authorization": "Bearer t"},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=10,
            )
    assert (caught.value.status_code, caught.value.reason) == (401, "no such token")
    assert asked[0].path == "/media?call=1"
    assert asked[0].headers["authorization"] == "Bearer t"
    assert "Bearer" not in repr(asked[0])
