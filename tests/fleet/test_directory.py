"""What a real Redis says of a worker's calls, and what can be asked of it from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.support.fleets import CALLEE, CALLER, confer, open_worker, talk
from tests.support.phone_calls import speech
from tests.support.redis_server import RedisServer, open_redis_server
from tests.support.waiting import until
from trio_calls import ActiveCall, AgentMode, CallState, open_call_client
from trio_calls.audio import find, write_wav
from trio_calls.fleet import (
    CallEventKind,
    Fleet,
    FleetPasswordError,
    FleetUnavailableError,
    NoSuchCallError,
    NoSuchWorkerError,
    OrderFailedError,
    WorkerSilentError,
    open_directory,
)
from trio_calls.fleet._keys import WORKERS, worker_key
from trio_calls.simulator import open_simulator

pytestmark = [pytest.mark.slow, pytest.mark.pure]


async def test_a_call_is_listed_while_it_is_there(
    redis_server: RedisServer, no_task_left: None
) -> None:
    async with open_worker(redis_server, talk, worker_id="web1") as worker:
        began = trio.current_time()
        call = worker.place_call()
        entry = await worker.entry_once("ANSWERED")
        assert (entry.worker_id, entry.call_id, entry.mode) == ("web1", call.call_id, None)
        assert (entry.caller_number, entry.callee_number) == (None, None)
        assert 0 <= entry.state_seconds <= entry.seconds <= trio.current_time() - began + 0.1
        (member,) = (await worker.fleet.view()).workers
        assert (member.worker_id, member.is_whole, member.is_connected) == ("web1", True, True)
        assert not member.is_draining
        call.caller.hang_up()
        await worker.view_once(lambda view: not view.calls)


async def test_numbers_are_told_where_they_are_to_be(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk, show_numbers=True) as worker:
        worker.place_call()
        entry = await worker.entry_once("ANSWERED")
        assert (entry.caller_number, entry.callee_number) == (CALLER, CALLEE)


async def test_a_call_that_was_there_before_is_listed(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk) as worker:
        call = worker.place_call()
        await worker.entry_once("ANSWERED")
        async with open_directory(worker.client, redis_server.url, worker_id="late"):
            view = await worker.view_once(lambda view: len(view.calls) == 2)
            assert {each.call_id for each in view.calls} == {call.call_id}


async def test_a_worker_that_leaves_is_gone_at_once(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk, lease_seconds=60) as worker:
        worker.place_call()
        await worker.entry_once("ANSWERED")
        fleet = worker.fleet
    view = await fleet.view()
    assert (view.workers, view.calls) == ((), ())


async def test_what_happens_to_a_call_can_be_followed(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, confer) as worker:
        call = worker.place_call()
        entry = await worker.entry_once("CONNECTED")
        kinds, states = [], []
        async with worker.fleet.follow(entry.call_id) as events:
            async for event in events:
                kinds.append(event.kind)
                states.append(event.state)
                if event.kind is CallEventKind.MODE:
                    call.caller.hang_up()
                    call.callee.hang_up()
        assert kinds == [
            CallEventKind.OPENED,
            CallEventKind.STATE,
            CallEventKind.MODE,
            CallEventKind.ENDED,
        ]
        assert states[1:] == [CallState.CONNECTED, CallState.CONNECTED, CallState.DISCONNECTED]
        assert event.detail == "the caller hung up"
        assert (events.missed, events.unreadable) == (0, 0)
        # What is over can be looked at afterwards.
        async with worker.fleet.follow(entry.call_id) as events:
            assert [each.kind async for each in events] == kinds


async def test_whoever_follows_may_be_interrupted(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, confer) as worker:
        call = worker.place_call()
        await worker.entry_once("CONNECTED")
        told = []
        async with worker.fleet.follow(call.call_id) as events:
            # A client of coredis has 64 connections.
            for _ in range(80):
                with trio.move_on_after(0.005):
                    told.append((await anext(events)).kind)
            call.caller.hang_up()
            call.callee.hang_up()
            told += [event.kind async for event in events]
        assert told[-1] is CallEventKind.ENDED


async def test_a_call_that_is_handed_over_is_followed(redis_server: RedisServer) -> None:
    documents = []
    is_over = trio.Event()

    async def pass_on(call: ActiveCall) -> None:
        documents.append(await call.hand_over("web2"))
        await is_over.wait()

    async with (
        open_worker(redis_server, pass_on, worker_id="web1") as worker,
        open_call_client(worker.simulator.config) as another,
        open_directory(another, redis_server.url, worker_id="web2"),
        trio.open_nursery() as nursery,
    ):
        call = worker.place_call()
        await until(lambda: documents)
        nursery.start_soon(another.adopt, documents[0], talk)
        view = await worker.view_once(
            lambda view: {each.state.name for each in view.calls} == {"DISCONNECTED", "ANSWERED"}
        )
        assert [each.worker_id for each in view.calls] == ["web1", "web2"]
        await worker.fleet.close(call.call_id)
        async with worker.fleet.follow(call.call_id) as events:
            told = [(event.worker_id, event.kind.value, event.detail) async for event in events]
        assert told == [
            ("web1", "opened", ""),
            ("web1", "ended", "it was handed over"),
            ("web2", "opened", ""),
            ("web2", "state", ""),
            ("web2", "ended", "the agent closed it"),
        ]
        is_over.set()


async def test_a_call_is_closed_from_elsewhere(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk) as worker:
        call = worker.place_call()
        entry = await worker.entry_once("ANSWERED")
        await worker.fleet.close(entry.call_id)
        await call.caller.wait_hung_up()
        with pytest.raises(NoSuchCallError):
            await worker.fleet.close(entry.call_id)


async def test_only_the_callee_hears_a_whisper(redis_server: RedisServer, tmp_path: Path) -> None:
    async with open_worker(redis_server, confer) as worker:
        call = worker.place_call()
        entry = await worker.entry_once("CONNECTED")
        secret = speech(1, 0.4)
        write_wav(tmp_path / "secret.wav", secret, 24000)
        await worker.fleet.whisper(entry.call_id, tmp_path / "secret.wav")
        assert find(secret, call.callee.heard).correlation > 0.9
        assert find(secret, call.caller.heard).correlation < 0.3
        assert worker.client.calls[0].mode is AgentMode.BARGE


async def test_a_whisper_that_cannot_be_is_told_why(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk) as worker:
        worker.place_call()
        entry = await worker.entry_once("ANSWERED")
        with pytest.raises(OrderFailedError, match="not allowed in ANSWERED"):
            await worker.fleet.whisper(entry.call_id, speech(1, 0.2))
        for recording in (b"", speech(1, 1.0) * 61):
            with pytest.raises(ValueError, match="60 s"):
                await worker.fleet.whisper(entry.call_id, recording)


async def test_a_worker_that_drains_ends_with_its_calls(redis_server: RedisServer) -> None:
    async with open_worker(redis_server, talk) as worker:
        call = worker.place_call()
        await worker.entry_once("ANSWERED")
        assert await worker.fleet.drain(worker.directory.worker_id) == 1
        view = await worker.view_once(lambda view: view.workers[0].is_draining)
        assert len(view.calls) == 1
        worker.place_call()
        call.caller.hang_up()
        await worker.client.drain()
        assert len([each for each in worker.simulator.calls if each.was_claimed]) == 1


async def test_what_nobody_has_is_said(redis_server: RedisServer) -> None:
    fleet = Fleet(redis_server.url)
    with pytest.raises(NoSuchWorkerError):
        await fleet.drain("nobody")
    with pytest.raises(NoSuchCallError):
        await fleet.close("nothing")
    with pytest.raises(NoSuchCallError):
        async with fleet.follow("nothing"):
            pass


async def test_a_worker_that_is_deaf_is_said_to_be(redis_server: RedisServer) -> None:
    fleet = Fleet(redis_server.url, within_seconds=0.3)
    await tell(redis_server, "HSET", worker_key("deaf"), "worker", "{}", "call:a", "nonsense")
    await tell(redis_server, "SADD", WORKERS, "deaf")
    with pytest.raises(WorkerSilentError, match=r"within 0\.3 s"):
        await fleet.drain("deaf")
    view = await fleet.view()
    assert (view.workers, view.calls, view.unreadable) == ((), (), 2)


async def tell(server: RedisServer, *words: str) -> None:
    """Say something to Redis that no worker of ours would."""
    stream = await trio.open_tcp_stream("127.0.0.1", server.port)
    quoted = " ".join('"' + word.replace('"', '\\"') + '"' for word in words)
    async with stream:
        await stream.send_all(f"{quoted}\r\n".encode())
        assert (await stream.receive_some()).startswith(b":")


async def test_a_wrong_password_is_one_error_at_the_start() -> None:
    password = "the-password-of-this-test"
    async with open_redis_server("--requirepass", "another") as server:
        url = server.url.replace("//", f"//:{password}@")
        async with open_simulator() as simulator, open_call_client(simulator.config) as client:
            with pytest.raises(FleetPasswordError, match="does not accept") as caught:
                async with open_directory(client, url):
                    await trio.sleep_forever()
        assert password not in f"{caught.value!r} {caught.value.__context__!r}"
        with pytest.raises(FleetPasswordError):
            await Fleet(url).view()
        with pytest.raises(FleetPasswordError):
            await Fleet(server.url).view()


async def test_a_redis_that_is_not_there_is_said(redis_server: RedisServer) -> None:
    await redis_server.kill()
    with pytest.raises(FleetUnavailableError, match="cannot be reached"):
        await Fleet(redis_server.url).view()
