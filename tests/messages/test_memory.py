"""What conversations take of memory, and that it is given back."""

from __future__ import annotations

import pytest
import trio.testing

from tests.support.memory_growth import KIB, measured_growth
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.messaging import (
    MessageExchange,
    closed,
    message_in,
    notify,
    ok,
    open_reader,
    text,
)

pytestmark = [pytest.mark.measures_memory, pytest.mark.slow]

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
