"""A connection to Redis that is made again whenever it has failed, for many tasks.

A client of coredis is given up with the first error, as `trio_calls.fleet._connection` says. Here
there is one more reason: a read that blocks has a connection for itself. When it is cancelled, or
the connection is lost under it, the pool has one less for good, and in the end it has none and
waits for ever.

A refusal is no such error: it is an answer, and concerns whoever has asked. Others would lose what
they are waiting for with the client.

Whatever was asked for and was cancelled, or has failed, may be done all the same. So everything
that is sent from here may be sent twice.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import trio

from trio_calls._logging import get_logger
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.errors import WSSFleetError
from trio_calls.fleet._connection import (
    RedisUrl,
    answering,
    open_connection,
    refuses_one_command,
)
from trio_calls.fleet._errors import FleetUnavailableError

if TYPE_CHECKING:
    from coredis import Redis

logger = get_logger("trio_calls.fleet")

ResultT = TypeVar("ResultT")

#: So long Redis may take for an answer; beside the time for which a read blocks.
ANSWER_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 1.0
#: A refusal is told so often at the most.
_TELL_AGAIN_SECONDS: Final = 60.0


class RedisLink:
    """Runs commands on whatever client there is. Got from `open_redis_link`.

    Attributes:
      is_up_since: when Redis was there again, in Trio's time; minus infinity if it always was.
    """

    def __init__(self, url: RedisUrl) -> None:
        self.is_up_since: float = -math.inf
        self._url = url
        self._client: Redis[bytes] | None = None
        self._has_failed = trio.Event()
        self._scope = trio.CancelScope()
        # By the words, which are few.
        self._refusals_told_at: dict[str, float] = {}

    async def call(
        self, command: Callable[[Redis[bytes]], Awaitable[ResultT]], within_seconds: float = 0
    ) -> ResultT:
        """Run a command.

        Args:
          command: is given a client.
          within_seconds: how much longer the answer may take than others.

        Raises:
          WSSFleetError: Redis cannot be reached, does not answer in time, or refuses.

        Cancellation: what was asked for may be done all the same. Always a checkpoint.
        """
        client = self._client
        if client is None:
            await trio.lowlevel.checkpoint()
            raise FleetUnavailableError("Redis cannot be reached")
        is_refused = False
        try:
            async with answering(ANSWER_SECONDS + within_seconds):
                try:
                    return await command(client)
                except Exception as error:
                    is_refused = refuses_one_command(error)
                    raise
        except WSSFleetError as error:
            if is_refused:
                self._tell_refusal(str(error))
            elif client is self._client:
                self._client = None
                self._has_failed.set()
            raise
        except RuntimeError:
            # What coredis says where its client was left while this waited for a connection.
            if client is self._client:
                raise
        raise FleetUnavailableError("Redis cannot be reached")

    def _tell_refusal(self, words: str) -> None:
        """Say it in the log, from time to time: whoever has asked does so again and again."""
        now = trio.current_time()
        if now >= self._refusals_told_at.get(words, -math.inf) + _TELL_AGAIN_SECONDS:
            self._refusals_told_at[words] = now
            logger.warning("%s: calls may not be passed on meanwhile", words)

    async def run(self, *, task_status: trio.TaskStatus[WSSFleetError | None]) -> None:
        """Keep a client for `call` until `stop`. Reports the error if the first one fails.

        Cancellation: gives up connecting the first time. After that none from outside, so that
        whoever is cancelled can still say goodbye; `stop` ends it.
        """
        with self._scope:
            failure = await self._run_client(task_status)
            if failure is None:
                await self._keep_trying()
            task_status.started(failure)

    def stop(self) -> None:
        """Drop the connection, and make none any more."""
        self._scope.cancel()

    async def _keep_trying(self) -> None:
        while True:
            logger.warning("Redis is gone: no calls are passed on until it is there again")
            pause = _FIRST_PAUSE_SECONDS
            await trio.sleep(pause)
            while await self._run_client() is not None:
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                await trio.sleep(pause)

    async def _run_client(
        self, task_status: trio.TaskStatus[WSSFleetError | None] = trio.TASK_STATUS_IGNORED
    ) -> WSSFleetError | None:
        """Let `call` use a client until it has failed. Returns why there never was one."""
        try:
            async with open_connection(self._url) as client:
                async with answering(ANSWER_SECONDS):
                    await client.ping()
                self._has_failed = trio.Event()
                self._client = client
                if task_status is trio.TASK_STATUS_IGNORED:
                    self.is_up_since = trio.current_time()
                    logger.warning("Redis is there again")
                task_status.started(None)
                self._scope.shield = True
                await self._has_failed.wait()
        except WSSFleetError as error:
            return error
        finally:
            self._client = None
        return None


@asynccontextmanager
async def open_redis_link(url: RedisUrl) -> AsyncIterator[RedisLink]:
    """Connect to Redis for the duration of the block.

    Raises:
      WSSFleetError: it cannot be reached, or refuses.
    """
    link = RedisLink(url)
    with plain_single_error():
        async with trio.open_nursery() as nursery:
            failure = await nursery.start(link.run, name="trio_calls: connection to Redis")
            if failure is None:
                try:
                    yield link
                finally:
                    link.stop()
    if failure is not None:
        raise failure
