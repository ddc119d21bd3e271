"""What the processes of the chaos do: a dispatcher, and workers."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio

from trio_calls import ActiveCall, ClientConfig, WSSConnectionError, events, open_call_client
from trio_calls.config import WireName
from trio_calls.errors import WSSFleetError
from trio_calls.fleet import open_dispatcher, serve_from_redis

#: In what time a worker is to open a call.
RING_SECONDS: Final = 5.0
#: How long a handler thinks before it answers, at the most, and talks then.
THINK_SECONDS: Final = 1.0
TALK_SECONDS: Final = 1.0

_PAUSE_SECONDS: Final = 0.2


@attrs.frozen
class Reach:
    """Where everything is.

    Attributes:
      exchange: the address of the simulator.
      redis: that of Redis.
      key: that calls are encrypted with.
      wire: which generation of the exchange the dispatcher speaks.
    """

    exchange: str
    redis: str
    key: str = attrs.field(repr=False)
    wire: WireName = "first"

    @property
    def config(self) -> ClientConfig:
        """The settings for a simulator as it is by default."""
        return ClientConfig.sandbox(
            api_key="simulated-key",
            connector_uuid="simulated-connector",
            base_url=self.exchange,
            wire=self.wire,
        )


def work(reach: Reach, seed: int) -> None:
    """Serve calls, until killed."""
    chance = random.Random(seed)

    async def handle(call: ActiveCall) -> None:
        await trio.sleep(chance.uniform(0, THINK_SECONDS))
        await call.answer()
        with call.cancel_on_hangup():
            await trio.sleep(TALK_SECONDS)
        await call.disconnect()

    async def serve() -> None:
        await serve_from_redis(handle, reach.config, reach.redis, reach.key)

    _run(serve)


def dispatch(reach: Reach) -> None:
    """Claim calls and pass them on, until killed."""

    async def pass_on() -> None:
        config, ring = reach.config, RING_SECONDS
        async with (
            open_dispatcher(config, reach.redis, reach.key, ring_seconds=ring) as dispatcher,
            open_call_client(config) as client,
        ):
            client.on(events.INCOMING_CALL)(dispatcher.dispatch)
            await client.run_forever()

    _run(pass_on)


def _run(serve: Callable[[], Awaitable[None]]) -> None:
    """Serve again and again where Redis, or the exchange, is not there at the start."""
    # Each fault is on purpose.
    logging.disable(logging.CRITICAL)

    async def keep_serving() -> None:
        while True:
            try:
                await serve()
            except (WSSFleetError, WSSConnectionError):
                await trio.sleep(_PAUSE_SECONDS)

    trio.run(keep_serving)
