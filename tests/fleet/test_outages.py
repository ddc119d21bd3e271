"""Redis is slow, gone, emptied or full: the calls notice nothing, and the view says so."""

from __future__ import annotations

import logging
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.agent_files import agent_file
from tests.support.fleets import Worker, has_call, open_worker, talk, view_once
from tests.support.phone_calls import speech
from tests.support.processes import running, settings_of
from tests.support.redis_server import RedisServer, open_redis_server
from tests.support.waiting import until
from trio_calls import ActiveCall
from trio_calls.audio import find
from trio_calls.fleet import (
    CallEvent,
    CallEventKind,
    Fleet,
    FleetUnavailableError,
    open_directory,
)
from trio_calls.fleet._changes import MAX_PIECE
from trio_calls.fleet._connection import RedisUrl, answering, open_connection
from trio_calls.fleet._keys import WORKERS, events_key, worker_key
from trio_calls.simulator import open_simulator
from trio_calls.state import CallState
from trio_calls.testing import run_agent

if TYPE_CHECKING:
    from coredis import Redis

pytestmark = [pytest.mark.slow, pytest.mark.pure]

SAID = speech(2, 0.5)


async def greet(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(SAID)
    await call.wait_disconnected()


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "trio_calls.fleet" and record.levelno >= logging.INFO
    ]


async def test_a_paused_server_costs_the_view_only(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trio_calls.fleet")
    async with open_worker(redis_server, greet) as worker:
        redis_server.pause()
        call = worker.place_call()
        await call.caller.wait_sound()
        await worker.wait_stale()
        status = worker.directory.status
        assert (status.trouble, status.outages) == ("Redis does not answer", 1)
        assert status.stale_seconds >= 0
        await call.caller.wait_silence(0.2)
        assert find(SAID, call.caller.heard).correlation > 0.9
        redis_server.resume()
        await worker.wait_current()
        assert (await worker.entry_once("ANSWERED")).call_id == call.call_id
        assert worker.directory.status.stale_seconds == 0
    said, mended = lines_of(caplog)
    assert said.startswith("Redis does not answer: what the directory says of this worker is out")
    assert re.fullmatch(r"the directory is right again, after \d+\.\d s", mended)


async def test_who_looks_at_a_paused_server_is_told(redis_server: RedisServer) -> None:
    redis_server.pause()
    with trio.move_on_after(0.2) as scope:
        await Fleet(redis_server.url).view()
    assert scope.cancelled_caught
    with pytest.raises(FleetUnavailableError, match="does not answer"):
        await Fleet(redis_server.url).view()
    redis_server.resume()


async def test_a_paused_server_holds_nobody_up_who_leaves(redis_server: RedisServer) -> None:
    async with (
        open_simulator() as simulator,
        run_agent(talk, simulator) as client,
    ):
        async with open_directory(client, redis_server.url):
            redis_server.pause()
            began = trio.current_time()
        # It has a second for that.
        assert trio.current_time() - began < 5
        redis_server.resume()


async def test_a_server_that_fails_over_is_told_again(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk) as worker:
        stream = await trio.open_tcp_stream("127.0.0.1", redis_server.port)
        async with stream:
            await stream.send_all(b"REPLICAOF 127.0.0.1 1\r\n")
            await stream.receive_some()
            call = worker.place_call()
            await call.caller.wait_talking()
            words = "Redis is a replica now, and takes nothing"
            await until(lambda: worker.directory.status.trouble == words)
            await stream.send_all(b"REPLICAOF NO ONE\r\n")
            await stream.receive_some()
        assert (await worker.entry_once("ANSWERED")).call_id == call.call_id


async def test_a_server_that_was_emptied_is_told_everything(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk) as worker:
        call = worker.place_call()
        await worker.entry_once("ANSWERED")
        await redis_server.restart()
        assert (await worker.entry_once("ANSWERED")).call_id == call.call_id
        # What is asked afterwards is heard, too.
        await worker.fleet.close(call.call_id)
        await call.caller.wait_hung_up()


async def test_all_that_has_waited_is_told_in_its_order(redis_server: RedisServer) -> None:
    """Some while the worker is there, and some as its last words: both in pieces."""
    names = [f"call-{number % 4}" for number in range(4 * MAX_PIECE)]
    async with open_worker(redis_server, talk) as worker:
        await worker.wait_current()
        add_events(worker, names, first=0)
        async with open_connection(RedisUrl(redis_server.url)) as redis:
            with trio.fail_after(10):
                while len(await numbers_in(redis, names[-1])) < MAX_PIECE:  # noqa: ASYNC110
                    await trio.sleep(0.02)
        add_events(worker, names, first=len(names))
    async with open_connection(RedisUrl(redis_server.url)) as redis:
        for offset in range(4):
            told = await numbers_in(redis, f"call-{offset}")
            assert told == list(range(offset, 2 * len(names), 4))


def add_events(worker: Worker, names: list[str], first: int) -> None:
    for number, name in enumerate(names, first):
        event = CallEvent(
            kind=CallEventKind.STATE,
            number=number,
            seconds=0.0,
            state=CallState.ANSWERED,
            mode=None,
        )
        worker.directory._watch.changes.add_event(name, event)
    worker.directory._news.wake()


async def numbers_in(redis: Redis[bytes], call_id: str) -> list[int]:
    """Return the numbers of the events that Redis has of a call."""
    async with answering():
        entries = await redis.xrange(events_key(call_id))
    events = [bytes(entry.field_values[b"event"]) for entry in entries]  # type: ignore[arg-type]
    return [CallEvent.decode(event).number for event in events]


async def test_what_somebody_has_deleted_is_written_again(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk) as worker:
        worker.place_call()
        await worker.entry_once("ANSWERED")
        stream = await trio.open_tcp_stream("127.0.0.1", redis_server.port)
        async with stream:
            await stream.send_all(b"FLUSHALL\r\n")
            await stream.receive_some()
        view = await worker.view_once(lambda view: view.calls)
        assert [each.is_whole for each in view.workers] == [True]


async def test_what_is_no_worker_hides_no_others(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk) as worker:
        call = worker.place_call()
        await worker.entry_once("ANSWERED")
        stream = await trio.open_tcp_stream("127.0.0.1", redis_server.port)
        async with stream:
            await stream.send_all(f"SET {worker_key('a')} x\r\nSADD {WORKERS} a\r\n".encode())
            view = await worker.view_once(lambda view: view.unreadable)
        assert [entry.call_id for entry in view.calls] == [call.call_id]
        await worker.fleet.close(call.call_id)


async def test_a_full_server_is_said_once(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trio_calls.fleet")
    async with open_worker(redis_server, talk) as worker:
        first = worker.place_call()
        await worker.entry_once("ANSWERED")
        stream = await trio.open_tcp_stream("127.0.0.1", redis_server.port)
        async with stream:
            await stream.send_all(b"CONFIG SET maxmemory 1\r\n")
            await stream.receive_some()
            call = worker.place_call()
            await call.caller.wait_talking()
            await worker.wait_stale()
            assert worker.directory.status.trouble == "Redis is full"
            # Its lease is renewed all the same, several times by now.
            await trio.sleep(1.2)
            view = await worker.fleet.view()
            assert [each.is_whole for each in view.workers] == [False]
            assert [each.call_id for each in view.calls] == [first.call_id]
            await stream.send_all(b"CONFIG SET maxmemory 0\r\n")
            await stream.receive_some()
        view = await worker.view_once(lambda view: len(view.calls) == 2)
        await worker.view_once(lambda view: view.workers[0].is_whole)
    assert [line.partition(":")[0] for line in lines_of(caplog)][:1] == ["Redis is full"]
    assert len(lines_of(caplog)) == 2


async def test_calls_do_not_wait_for_a_server_that_never_was(redis_server: RedisServer) -> None:
    await redis_server.kill()
    async with (
        open_simulator() as simulator,
        run_agent(talk, simulator) as client,
        open_directory(client, redis_server.url) as directory,
    ):
        call = simulator.place_call()
        await call.caller.wait_talking()
        assert not directory.status.is_current
        await redis_server.start()
        await view_once(Fleet(redis_server.url), has_call("ANSWERED"))
        call.caller.hang_up()


PROGRAM = """
import sys, trio
from trio_calls import ClientConfig, events, open_call_client
from trio_calls.fleet import open_directory

async def talk(call):
    await call.answer()
    await call.wait_disconnected()

async def main():
    async with open_call_client(ClientConfig.from_env()) as client:
        async with open_directory(client, sys.argv[1], worker_id="doomed", lease_seconds=1):
            client.on(events.INCOMING_CALL)(talk)
            await client.run_forever()

trio.run(main)
"""


async def test_a_worker_that_is_killed_is_out_within_its_lease(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    fleet = Fleet(redis_server.url)
    async with (
        open_simulator(port=0) as simulator,
        running(
            agent_file(tmp_path, PROGRAM),
            redis_server.url,
            variables=settings_of(simulator.config),
            program=(sys.executable,),
        ) as worker,
    ):
        call = simulator.place_call()
        await view_once(fleet, has_call("ANSWERED"))
        worker.send_signal(signal.SIGKILL)
        await worker.wait_status()
        died = trio.current_time()
        async with fleet.follow(call.call_id) as events:
            told = [event.kind async for event in events]
        assert told[-1] is CallEventKind.WORKER_GONE
        view = await fleet.view()
        assert (view.workers, view.calls) == ((), ())
        assert trio.current_time() - died < 10


async def test_a_password_is_in_no_line_of_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_redis_server("--requirepass", "open-sesame") as server:
        url = server.url.replace("//", "//:open-sesame@")
        async with (
            open_simulator() as simulator,
            run_agent(talk, simulator) as client,
            open_directory(client, url, lease_seconds=1) as directory,
        ):
            await until(lambda: directory.status.is_current)
            await server.kill()
            await until(lambda: not directory.status.is_current)
        assert "open-sesame" not in caplog.text + repr(directory.status)
