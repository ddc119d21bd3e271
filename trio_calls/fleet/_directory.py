"""`open_directory`: a worker that tells Redis of its calls, and does what it is asked from there.

::

    calls, client ── observers ──► Changes ──► EntryWriter ──┐
                                      ▲                      ├── one connection to Redis
    calls ◄── Obedience ──── answers ─┘                      │
                  ▲                                          │
                  └──────── orders ───────── read_orders ────┘

Nothing on the left waits for anything on the right. When something goes wrong with Redis the
connection is given up, and another one is made, which is told everything again.
"""

from __future__ import annotations

import platform
import re
import secrets
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from trio_calls._logging import get_logger
from trio_calls.client.backoff import Backoff
from trio_calls.client.client import CallClient
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.config import is_number
from trio_calls.fleet._clock import read_clock
from trio_calls.fleet._connection import RedisUrl, concealed, explain, load_extra, open_connection
from trio_calls.fleet._errors import FleetPasswordError
from trio_calls.fleet._keys import is_worker_id
from trio_calls.fleet._obeying import Obedience
from trio_calls.fleet._reading import read_orders
from trio_calls.fleet._watch import ClientWatch
from trio_calls.fleet._writing import GOODBYE_SECONDS, EntryWriter

logger = get_logger("trio_calls.fleet")

#: A shorter lease would be renewed all the time, and with a longer one the dead would be listed.
SHORTEST_LEASE_SECONDS: Final = 1.0
LONGEST_LEASE_SECONDS: Final = 3600.0

_FULL: Final = "Redis is full"


@attrs.frozen
class DirectoryStatus:
    """Whether what Redis says of a worker is right. Got from `Directory.status`.

    Attributes:
      is_current: whether Redis has been told everything, as far as is known.
      trouble: what is wrong, in words; None if nothing is.
      stale_seconds: for how long it has not been current; 0 if it is.
      outages: how often something has gone wrong so far.
      dropped_events: how many events were dropped, as too many have waited for Redis.
    """

    is_current: bool
    trouble: str | None
    stale_seconds: float
    outages: int
    dropped_events: int


class Directory:
    """A worker's part of the directory. Got from `open_directory`.

    Attributes:
      worker_id: the name of this worker in the fleet.
    """

    def __init__(
        self,
        url: RedisUrl,
        worker_id: str,
        watch: ClientWatch,
        lease_seconds: float,
        news: Wakeup,
    ) -> None:
        self.worker_id: str = worker_id
        self._url = url
        self._watch = watch
        self._lease_seconds = lease_seconds
        self._news = news
        self._stale_since: float | None = trio.current_time()
        self._trouble: str | None = "Redis was told nothing so far"
        self._outages = 0
        # What was said of the present outage.
        self._said: set[str] = set()

    def __repr__(self) -> str:
        return f"<Directory of {self.worker_id}>"

    @property
    def status(self) -> DirectoryStatus:
        """Whether what Redis says of this worker is right."""
        since = self._stale_since
        return DirectoryStatus(
            is_current=since is None,
            trouble=self._trouble,
            stale_seconds=0.0 if since is None else trio.current_time() - since,
            outages=self._outages,
            dropped_events=self._watch.changes.dropped_events,
        )

    async def run(self, obedience: Obedience) -> None:
        """Keep the directory until cancelled.

        Raises:
          FleetPasswordError: Redis does not accept the password, the first time that it is asked.
            Later that is an outage like any other, as there may be calls.
        """
        backoff = Backoff()
        is_first = True
        while True:
            began = trio.current_time()
            try:
                await self._keep(obedience)
            except Exception as error:
                # Writing and reading may have failed at the same time.
                failure = explain(error)
                if isinstance(failure, FleetPasswordError) and is_first:
                    raise failure from None
                self._note_trouble(str(failure or f"the directory failed: {type(error).__name__}"))
                if failure is None:
                    # A fault of ours, or of coredis, and the calls have no part in it. The text of
                    # the error may quote what was sent.
                    where = "".join(traceback.format_tb(error.__traceback__))
                    logger.debug("the directory failed:\n%s", where)
            is_first = False
            await trio.sleep(backoff.next_delay(trio.current_time() - began))

    async def say_goodbye(self) -> None:
        """Take this worker's entries away, if Redis can be reached within a second.

        Cancellation: shielded, with that deadline. What is not done the lease does.
        """
        with trio.move_on_after(GOODBYE_SECONDS, shield=True):
            try:
                async with open_connection(self._url) as redis:
                    clock = await read_clock(redis)
                    writer = EntryWriter(
                        redis, clock, self.worker_id, self._watch, self._lease_seconds
                    )
                    await writer.say_goodbye()
            except Exception as error:
                logger.debug("the directory was not left in good order: %s", type(error).__name__)

    async def _keep(self, obedience: Obedience) -> None:
        """Keep the directory by one connection, until something goes wrong."""
        with plain_single_error():
            async with open_connection(self._url) as redis:
                clock = await read_clock(redis)
                writer = EntryWriter(redis, clock, self.worker_id, self._watch, self._lease_seconds)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(read_orders, redis, clock, self.worker_id, obedience)
                    await writer.keep(self._news, self._note_written)

    def _note_written(self, is_whole: bool) -> None:
        if not is_whole:
            self._note_trouble(_FULL)
        elif self._stale_since is not None:
            if self._said:
                seconds = trio.current_time() - self._stale_since
                logger.info("the directory is right again, after %.1f s", seconds)
            self._stale_since = self._trouble = None
            self._said.clear()

    def _note_trouble(self, trouble: str) -> None:
        """Say what is wrong, once in an outage."""
        self._outages += not self._said
        self._trouble = trouble
        if self._stale_since is None:
            self._stale_since = trio.current_time()
        if trouble not in self._said:
            self._said.add(trouble)
            logger.warning(
                "%s: what the directory says of this worker is out of date; calls go on", trouble
            )


@asynccontextmanager
async def open_directory(
    client: CallClient,
    url: str,
    *,
    worker_id: str | None = None,
    lease_seconds: float = 10.0,
    show_numbers: bool = False,
    on_drain: Callable[[], object] | None = None,
) -> AsyncIterator[Directory]:
    """Tell Redis of a client's calls while the block runs, and do what is asked of it from there.

    ::

        async with (
            open_call_client(config) as client,
            open_directory(client, os.environ["WSS_REDIS_URL"]),
        ):
            client.on(events.INCOMING_CALL)(handle_call)
            await client.run_forever()

    `Fleet` is the other side: it lists the calls of all workers, follows what happens to one,
    closes it, whispers into it, and drains a worker.

    No call waits for Redis, ever. While it is slow, gone or full, what it says is out of date, as
    `Directory.status` and a line in the log say, and afterwards everything is written again. A
    worker that dies is out of the directory within its lease.

    Args:
      client: whose calls they are.
      url: of Redis: ``redis://[[NAME]:PASSWORD@]HOST[:PORT][/DATABASE]``, ``rediss://`` with TLS,
        by which the server's name is verified, or ``unix://``. It is a secret, and not shown.
      worker_id: a name for this worker that no other has: letters, digits, dots and dashes. None
        makes one of the machine's name.
      lease_seconds: for how long entries hold when the worker says nothing more; 1 to 3600 s.
      show_numbers: write telephone numbers into Redis, too; otherwise they are left out.
      on_drain: called when this worker is to drain; None starts `CallClient.drain`.

    Raises:
      WSSConfigError: the URL is none.
      FleetPasswordError: Redis does not accept the password, when it is asked the first time. It is
        asked in the background: this comes out of the block, which is cancelled.
      ValueError: another argument makes no sense.
      ModuleNotFoundError: the extra ``trio-calls[fleet]`` is not installed.

    Cancellation: leaving the block takes the entries of this worker away, within a second.
    """
    url = concealed(url)
    if worker_id is None:
        worker_id = make_worker_id()
    if not is_worker_id(worker_id):
        raise ValueError("worker_id must be 1 to 128 letters, digits, dots and dashes")
    if not is_number(lease_seconds, SHORTEST_LEASE_SECONDS, LONGEST_LEASE_SECONDS):
        raise ValueError(
            f"lease_seconds must be a number from {SHORTEST_LEASE_SECONDS:g} to "
            f"{LONGEST_LEASE_SECONDS:g}, not {lease_seconds!r}"
        )
    # Calls go on meanwhile, if there are any.
    await trio.to_thread.run_sync(load_extra, abandon_on_cancel=True)
    redis_url = RedisUrl(url)
    news = Wakeup()
    watch = ClientWatch(client, lease_seconds, show_numbers=show_numbers, wake=news.wake)
    directory = Directory(redis_url, worker_id, watch, lease_seconds, news)
    try:
        with plain_single_error():
            async with trio.open_nursery() as nursery:
                drain = on_drain or (lambda: nursery.start_soon(client.drain))
                obedience = Obedience(nursery, watch, drain, news.wake)
                nursery.start_soon(directory.run, obedience, name="trio_calls: directory")
                yield directory
                nursery.cancel_scope.cancel()
    finally:
        watch.stop()
        await directory.say_goodbye()


def make_worker_id() -> str:
    """Make a name for a worker, after its machine."""
    machine = re.sub(r"[^A-Za-z0-9.-]+", "-", platform.node())[:64] or "worker"
    return f"{machine}-{secrets.token_hex(4)}"
