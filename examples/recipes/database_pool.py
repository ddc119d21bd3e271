"""Share a few connections to a database between all calls.

    PENDING → ANSWERED → DISCONNECTED

The connections are opened around the calls, so they are closed when the last call is over. Who
needs one borrows it, and waits for it if all are lent. Whatever ends a call gives its connection
back.

Run it from the top of the checkout, with the settings of an exchange in the environment
(WSS_API_KEY, WSS_CONNECTOR_UUID): `python -m examples.recipes.database_pool customers.sqlite`.
"""

import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path

import trio

from trio_calls import ActiveCall, ClientConfig, serve_calls
from trio_calls.audio import read_wav

SPEECH = Path(__file__).parents[1] / "speech"


async def handle_call(pool: "Pool", call: ActiveCall) -> None:
    await call.answer()
    with call.cancel_on_hangup():
        async with pool.borrow() as connection:
            name = await line_for(call.caller_number, connection)
        await call.send_audio(read_wav(SPEECH / name, call.audio_format.sample_rate))
        await call.disconnect()


async def line_for(number: str | None, connection: sqlite3.Connection) -> str:
    """Look up what is to be said to a caller."""

    def query() -> str:
        select = "SELECT line FROM customers WHERE number = ?"
        row = connection.execute(select, (number,)).fetchone()
        return row[0] if row else "not_available.wav"

    # Not with abandon_on_cancel: the connection would be lent again with a thread still at it.
    return await trio.to_thread.run_sync(query)


class Pool:
    """Lends connections, each to one borrower at a time, in the order in which they came."""

    def __init__(self, connections: list[sqlite3.Connection]) -> None:
        self._returns, self._free = trio.open_memory_channel[sqlite3.Connection](len(connections))
        for connection in connections:
            self._returns.send_nowait(connection)

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[sqlite3.Connection]:
        connection = await self._free.receive()
        try:
            yield connection
        finally:
            self._returns.send_nowait(connection)  # no await: this works when cancelled, too


@contextmanager
def open_pool(path: Path, size: int) -> Iterator[Pool]:
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(sqlite3.connect(path, check_same_thread=False)))
            for _ in range(size)
        ]
        yield Pool(connections)


async def main(path: Path) -> None:
    with open_pool(path, size=4) as pool:
        await serve_calls(partial(handle_call, pool), ClientConfig.from_env())


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
