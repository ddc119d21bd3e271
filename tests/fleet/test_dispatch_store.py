"""What dispatchers and workers tell each other: in Redis, and in the model that other tests use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import trio
import trio.testing

from tests.support.dispatch_store import QueueInMemory
from tests.support.redis_server import RedisServer, open_redis_server
from trio_calls.errors import WSSFleetError
from trio_calls.fleet import _dispatch_store
from trio_calls.fleet._connection import RedisUrl
from trio_calls.fleet._dispatch_marks import OPENED, WAITING, WITHDRAWN, opening
from trio_calls.fleet._dispatch_store import DispatchStore, Entry, RedisStore, check_queue
from trio_calls.fleet._redis_link import open_redis_link

if TYPE_CHECKING:
    from coredis import Redis

T = TypeVar("T")

NAME, OTHER = "00000001", "00000002"
A, B = opening("a"), opening("b")

OpenStore = Callable[[str], DispatchStore]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.slow)])
async def open_store(request: pytest.FixtureRequest) -> AsyncIterator[OpenStore]:
    if request.param == "memory":
        yield QueueInMemory().store
        return
    async with open_redis_server() as server, open_redis_link(RedisUrl(server.url)) as link:
        yield lambda worker: RedisStore(link, "calls", worker)


pytestmark = pytest.mark.pure


async def _add(stream: str, fields: dict[str, str], redis: Redis[bytes]) -> None:
    await redis.xadd(stream, fields)


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask Redis until it answers."""
    with trio.fail_after(10):
        while True:
            try:
                return await ask()
            except WSSFleetError:
                await trio.sleep(0.05)


async def test_a_call_from_its_put_to_its_end(open_store: OpenStore) -> None:
    desk, one, other = (open_store(name) for name in ("", "a", "b"))
    assert await one.read(0.05) is None
    entry_id = await desk.put(NAME, b"document", 60)
    assert await desk.marks([NAME, OTHER]) == [WAITING, None]
    entry = await one.read(0.05)
    assert entry is not None
    assert (entry.entry_id, entry.name, entry.document) == (entry_id, NAME, b"document")
    assert await other.read(0.05) is None
    assert await other.silent() == []
    assert await one.change(NAME, WAITING, A) == A
    await one.finish(entry)
    assert await desk.marks([NAME]) == [OPENED]
    assert await other.look_at(entry_id) is None
    # Whatever is said twice does no harm.
    await one.finish(entry)
    await one.beat([entry_id])
    await one.give_back([entry_id])
    await one.clear(entry_id)
    await one.leave()


async def test_of_two_who_change_a_mark_one_has_it(open_store: OpenStore) -> None:
    desk, one, other = (open_store(name) for name in ("", "a", "b"))
    await desk.put(NAME, b"document", 60)
    assert await one.change(NAME, WAITING, A) == A
    assert await other.change(NAME, WAITING, B) == A
    # One whose answer was lost asks again.
    assert await one.change(NAME, WAITING, A) == A
    assert await desk.change(NAME, WAITING, WITHDRAWN) == A
    # In doubt.
    assert await other.change(NAME, A, B) == B
    assert await one.change(NAME, A, A) == B
    assert await desk.change(NAME, B, WITHDRAWN) == WITHDRAWN
    assert await other.change(NAME, B, B) == WITHDRAWN
    assert await one.change(OTHER, WAITING, A) is None


async def test_what_was_given_back_is_anothers_at_once(open_store: OpenStore) -> None:
    one, other = (open_store(name) for name in "ab")
    entry_id = await one.put(NAME, b"document", 60)
    await one.read(0.05)
    assert not await other.take_over(entry_id, 1.2)
    await one.give_back([entry_id])
    (silent,) = await other.silent()
    assert silent.entry_id == entry_id
    assert 2 <= silent.idle_seconds < 3
    assert await other.take_over(entry_id, 1.2)
    assert not await one.take_over(entry_id, 1.2)
    assert await one.silent() == []


async def test_what_is_put_twice_disturbs_nobody(open_store: OpenStore) -> None:
    desk, one = open_store(""), open_store("a")
    await desk.put(NAME, b"document", 60)
    assert await one.change(NAME, WAITING, A) == A
    # The answer to the first was lost.
    await desk.put(NAME, b"document", 60)
    assert await desk.marks([NAME]) == [A]


async def test_a_mark_ends_with_the_time_to_ring(open_store: OpenStore) -> None:
    desk = open_store("")
    await desk.put(NAME, b"document", 0.05)
    await trio.sleep(0.1)
    assert await desk.marks([NAME]) == [None]
    assert await desk.change(NAME, WAITING, A) is None


async def test_calls_that_were_there_before_any_worker_are_read(open_store: OpenStore) -> None:
    desk = open_store("")
    ids = [await desk.put(name, b"document", 60) for name in (NAME, OTHER)]
    worker = open_store("a")
    entries = [await worker.read(0.05) for _ in range(2)]
    assert [entry and entry.entry_id for entry in entries] == ids


@pytest.mark.slow
async def test_a_client_that_others_give_up(redis_server: RedisServer) -> None:
    async with open_redis_link(RedisUrl(redis_server.url)) as link:
        lost = trio.Event()

        async def ask_too_late(redis: Redis[bytes]) -> object:
            await lost.wait()
            # Long enough for its pool to be left.
            await trio.sleep(0.1)
            return await redis.ping()

        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def ask() -> None:
                with pytest.raises(WSSFleetError):
                    await link.call(ask_too_late)

            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(WSSFleetError):
                await link.call(_lose)
            lost.set()
        # A fault of ours is no fault of Redis.
        with pytest.raises(RuntimeError, match="ours"):
            await patiently(lambda: link.call(_fail))


async def _lose(redis: Redis[bytes]) -> None:
    raise ConnectionResetError


async def _fail(redis: Redis[bytes]) -> None:
    raise RuntimeError("ours")


@pytest.mark.slow
async def test_who_is_cancelled_can_still_say_goodbye(redis_server: RedisServer) -> None:
    with trio.CancelScope() as scope:
        async with open_redis_link(RedisUrl(redis_server.url)) as link:
            one, other = (RedisStore(link, "calls", worker) for worker in "ab")
            entry_id = await one.put(NAME, b"document", 60)
            await one.read(0.05)
            scope.cancel()
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await one.give_back([entry_id])
                    assert await other.take_over(entry_id, 1.2)
    assert scope.cancelled_caught


@pytest.mark.slow
async def test_workers_that_are_dead_are_forgotten(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dispatch_store, "_DEAD_SECONDS", 1)
    async with open_redis_link(RedisUrl(redis_server.url)) as link:
        dead, busy, alive = (RedisStore(link, "calls", worker) for worker in "abc")
        entry_ids = {}
        for store in (dead, busy, alive):
            entry_ids[store] = await store.put(NAME, b"document", 60)
            if store is alive:
                await trio.sleep(1.1)
            await store.read(0.05)
            if store is not busy:
                await store.clear(entry_ids[store])
        await alive.forget_the_dead()
        workers: Any = await link.call(
            lambda redis: redis.xinfo_consumers("trio-calls:dispatch:{calls}", "workers").raw()
        )
        assert sorted(worker[b"name"] for worker in workers) == [b"b", b"c"]
        # What it has would be lost with its name.
        await busy.leave()
        assert await alive.take_over(entry_ids[busy], 0)


async def test_the_first_worker_of_a_queue_forgets_nobody(open_store: OpenStore) -> None:
    first = open_store("a")
    await first.forget_the_dead()
    assert await first.read(0.05) is None


@pytest.mark.slow
async def test_workers_that_wait_get_calls_in_turn(redis_server: RedisServer) -> None:
    async with open_redis_link(RedisUrl(redis_server.url)) as link:
        taken: dict[str, int] = dict.fromkeys("abcd", 0)

        async def read(worker: str) -> None:
            while True:
                if await RedisStore(link, "calls", worker).read(0.3):
                    taken[worker] += 1

        async with trio.open_nursery() as nursery:
            for worker in taken:
                nursery.start_soon(read, worker)
            await trio.sleep(0.2)
            for number in range(40):
                await RedisStore(link, "calls").put(f"{number:08x}", b"document", 60)
                await trio.sleep(0.01)
            await trio.sleep(0.1)
            nursery.cancel_scope.cancel()
        assert sum(taken.values()) == 40
        assert max(taken.values()) - min(taken.values()) <= 8


@pytest.mark.slow
async def test_what_is_no_call_is_taken_off_the_stream(redis_server: RedisServer) -> None:
    async with open_redis_link(RedisUrl(redis_server.url)) as link:
        store = RedisStore(link, "calls", "a")
        stream = "trio-calls:dispatch:{calls}"
        for fields in ({"name": NAME}, {"document": "d"}, {"name": "../x", "document": "d"}):
            await link.call(partial(_add, stream, fields))
        await link.call(lambda redis: redis.set(f"{stream}:{NAME}", b"\xff\xfe"))
        assert [await store.read(0.05) for _ in range(3)] == [None] * 3
        assert await link.call(lambda redis: redis.xlen(stream)) == 0
        assert await store.marks([NAME]) == [None]


@pytest.mark.slow
async def test_a_refusal_concerns_whoever_has_asked(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    found: list[Entry | None] = []

    async def wait(store: RedisStore) -> None:
        found.append(await store.read(10))

    async with (
        open_redis_link(RedisUrl(redis_server.url)) as link,
        trio.open_nursery() as nursery,
    ):
        good, odd = RedisStore(link, "calls", "a"), RedisStore(link, "odd", "a")
        await link.call(lambda redis: redis.set("trio-calls:dispatch:{odd}", "no stream"))
        nursery.start_soon(wait, good)
        # More often than a pool of coredis has connections.
        for _ in range(20):
            with pytest.raises(WSSFleetError, match="under a name of ours"):
                await odd.read(0.05)
        with pytest.raises(WSSFleetError, match="under a name of ours"):
            await odd.put(OTHER, b"document", 60)
        await good.put(NAME, b"document", 60)
    assert [entry and entry.name for entry in found] == [NAME]
    # Once, and not that Redis is gone.
    assert caplog.messages == [
        "Redis has something else under a name of ours: calls may not be passed on meanwhile"
    ]


@pytest.mark.slow
async def test_a_full_redis_is_still_there(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_redis_link(RedisUrl(redis_server.url)) as link:
        store = RedisStore(link, "calls", "a")
        entry_id = await store.put(NAME, b"document", 60)
        await link.call(lambda redis: redis.config_set({"maxmemory": "1"}))
        for _ in range(2):
            with pytest.raises(WSSFleetError, match="Redis is full"):
                await store.put(OTHER, b"document", 60)
        assert await store.marks([NAME]) == [WAITING]
        await link.call(lambda redis: redis.config_set({"maxmemory": "0"}))
        await store.clear(entry_id)
    assert caplog.messages == ["Redis is full: calls may not be passed on meanwhile"]


@pytest.mark.slow
async def test_entries_that_somebody_has_trimmed(redis_server: RedisServer) -> None:
    async with open_redis_link(RedisUrl(redis_server.url)) as link:
        store = RedisStore(link, "calls", "a")
        entry_id = await store.put(NAME, b"document", 60)
        await store.read(0.05)
        await store.give_back([entry_id])
        await link.call(lambda redis: redis.xdel("trio-calls:dispatch:{calls}", [entry_id]))
        assert [silent.entry_id for silent in await store.silent()] == [entry_id]
        assert await store.look_at(entry_id) is None
        await store.clear(entry_id)
        assert await store.silent() == []


@pytest.mark.slow
async def test_redis_that_comes_back_empty(redis_server: RedisServer) -> None:
    async with open_redis_link(RedisUrl(redis_server.url)) as link:
        store = RedisStore(link, "calls", "a")
        await store.put(NAME, b"document", 60)
        await redis_server.kill()
        with pytest.raises(WSSFleetError):
            await store.read(5)
        await redis_server.start()
        assert await patiently(lambda: store.read(0.05)) is None
        assert await store.marks([NAME]) == [None]
        assert link.is_up_since <= trio.current_time()


@pytest.mark.slow
@pytest.mark.filterwarnings(
    # A connection of coredis that was cancelled before it was there is never closed.
    "ignore:.*MemoryObject:pytest.PytestUnraisableExceptionWarning"
)
async def test_a_read_that_is_cancelled_costs_nothing_for_ever(redis_server: RedisServer) -> None:
    async with open_redis_link(RedisUrl(redis_server.url)) as link:
        store = RedisStore(link, "calls", "a")
        assert await store.read(0.01) is None
        # More often than a pool of coredis has connections.
        for _ in range(20):
            with trio.move_on_after(0.03):
                await store.read(5)
        await patiently(lambda: store.put(NAME, b"document", 60))
        assert await patiently(lambda: store.read(1)) is not None


@pytest.mark.parametrize("queue", ["calls", "a.b-c_9", "x" * 64])
def test_names_of_queues(queue: str) -> None:
    assert check_queue(queue) == queue


@pytest.mark.parametrize("queue", ["", "a b", "a:b", "{a}", "x" * 65, "é", None, 3])
def test_what_is_no_name_of_a_queue(queue: object) -> None:
    with pytest.raises(ValueError, match="the name of a queue is 1 to 64"):
        check_queue(queue)
