"""What conversations take of memory, and that it is given back."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import trio.testing

from tests.support.memory_growth import KIB, measured_growth
from tests.support.peers.exchange import FakeExchange, http
from tests.support.peers.messaging import (
    MessageExchange,
    closed,
    message_in,
    notify,
    ok,
    open_reader,
    text,
)
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire
from trio_calls.sessions import WSSForbiddenError

pytestmark = [pytest.mark.measures_memory, pytest.mark.slow, on_the_first_wire, on_one_transport]

quiet = trio.testing.wait_all_tasks_blocked

#: Each has a task that waits in a handler; ten thousand of them take 50 MB in a real process.
OPEN_BYTES = 7 * KIB

#: What Python and Trio keep for the next one.
CLOSED_BYTES = 100


async def open_many(wire: MessageExchange, names: list[str]) -> None:
    await wire.tell(*map(notify, names))
    for _ in names:
        await wire.tell(ok(await wire.expect("session.open")))
    for _ in names:
        await wire.expect("session.ready")
    await wire.tell(*(message_in(name, text("hello")) for name in names))
    await quiet()


async def test_an_open_conversation_is_cheap_and_a_closed_one_is_gone(
    exchange: FakeExchange,
) -> None:
    async with open_reader(exchange, blocked_warning_seconds=None) as (client, wire, reader):

        def forget() -> None:
            reader.conversations.clear()
            reader.read.clear()

        first, second = ([f"{each}-{number}" for number in range(200)] for each in "ab")
        with measured_growth() as growth:
            await open_many(wire, first)  # what they are kept in finds its size
            await wire.tell(*map(closed, first))
            forget()
            before = await growth.bytes_after_a_while()
            await open_many(wire, second)
            assert len(client.conversations) == 200
            forget()
            assert growth.bytes_now() - before < 200 * OPEN_BYTES
            await wire.tell(*map(closed, second))
            await quiet()
            assert await growth.bytes_after_a_while() - before < 200 * CLOSED_BYTES
        assert client.conversations == ()


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only what nothing leads to any more is given back."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
async def test_a_close_that_fails_leaves_no_cycle(exchange: FakeExchange) -> None:
    async with open_reader(exchange, blocked_warning_seconds=None) as (client, wire, reader):
        client.sessions._has_http = True  # without a thread that takes its time
        await wire.bring("s")
        await quiet()
        exchange.answers.append(http(403, '{"code":"FORBIDDEN","message":"not yours"}'))
        conversation = weakref.ref(reader.conversations.pop())
        with pytest.raises(WSSForbiddenError) as caught:
            await client.conversations[0].close()
        del caught
        await quiet()
        assert conversation() is None
