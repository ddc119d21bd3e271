"""A dispatcher and workers in one process and in virtual time, with a queue in memory between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Final

import attrs
import trio

from tests.support.dispatch_store import QueueInMemory
from trio_calls import ActiveCall, CallClient, events, open_call_client
from trio_calls.fleet import Dispatcher, new_dispatch_key
from trio_calls.fleet._dispatch_store import DispatchStore
from trio_calls.fleet._from_redis import DispatchedCalls
from trio_calls.fleet._sealing import Sealer
from trio_calls.sessions import serve_handed_over
from trio_calls.simulator import Simulator

KEY: Final = str(new_dispatch_key())

Handler = Callable[[ActiveCall], object]


class Worker:
    """A process that serves dispatched calls.

    Attributes:
      name: in marks.
      calls: every call that came to it, in order.
      is_dead: from here on it says nothing to Redis, and opens nothing.
      is_mute: it does not say which calls it has.
    """

    def __init__(
        self, queue: QueueInMemory, name: str, key: str = KEY, *, is_mute: bool = False
    ) -> None:
        self.name = name
        self.calls: list[ActiveCall] = []
        self.is_dead = False
        self.is_mute = is_mute
        self._scope = trio.CancelScope()
        self._source = DispatchedCalls(_MortalStore(self, queue.store(name)), name, Sealer(key))

    async def run(self, simulator: Simulator, handler: Handler, limit: int | None = None) -> None:
        """Serve calls until `leave`."""

        async def handle(call: ActiveCall) -> None:
            self.calls.append(call)
            result = handler(call)
            assert hasattr(result, "__await__")
            await result

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            await self.live()
            assert simulator.config.open_stream is not None
            return await simulator.config.open_stream(host, port)

        config = attrs.evolve(simulator.config, open_stream=open_stream, max_concurrent_calls=limit)
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._source.keep)
                await serve_handed_over(self._source, handle, config)

    async def live(self) -> None:
        """Wait for ever if it is dead."""
        await trio.lowlevel.checkpoint()
        if self.is_dead:
            await trio.sleep_forever()

    def die(self) -> None:
        """Fall silent, as a process does that is killed."""
        self.is_dead = True

    def leave(self) -> None:
        self._scope.cancel()


class _MortalStore:
    """What a worker sees of a queue, until it dies."""

    def __init__(self, worker: Worker, store: DispatchStore) -> None:
        self._worker = worker
        self._store = store

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._store, name)
        return partial(self._ask, member) if callable(member) else member

    async def _ask(self, method: Callable[..., object], *arguments: object) -> object:
        await self._worker.live()
        if self._worker.is_mute and method.__name__ in {"beat", "finish"}:
            await trio.sleep_forever()
        result = method(*arguments)
        assert hasattr(result, "__await__")
        answer = await result
        # One that is killed hears no answer.
        await self._worker.live()
        return answer


@asynccontextmanager
async def open_desk(
    simulator: Simulator,
    queue: QueueInMemory,
    *,
    ring_seconds: float = 30,
    client: CallClient | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[CallClient, Dispatcher]]:
    """A client that passes every call on; a new one, if none is given."""
    opened = nullcontext(client) if client else open_call_client(simulator.config)
    async with trio.open_nursery() as nursery, opened as present:
        config, store = attrs.evolve(simulator.config, **settings), queue.store()
        dispatcher = Dispatcher(lambda name: store, Sealer(KEY), config, ring_seconds, nursery)
        nursery.start_soon(dispatcher.watch)
        present.on(events.INCOMING_CALL)(dispatcher.dispatch)
        yield present, dispatcher
        nursery.cancel_scope.cancel()
