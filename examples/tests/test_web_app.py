"""Calls and web pages in one program."""

import os
import signal

import httpx
import trio
import trio.testing

from examples.recipes import web_app
from trio_calls import CallState
from trio_calls.simulator import Simulator
from trio_calls.testing import run_agent


async def test_a_page_lists_the_calls_and_ends_one(simulator: Simulator) -> None:
    async with run_agent(web_app.handle_call, simulator) as client:
        pages = httpx.ASGITransport(web_app.make_app(client))
        async with httpx.AsyncClient(transport=pages, base_url="http://here") as browser:
            assert (await browser.get("/calls")).json() == []
            call, other = simulator.place_call(), simulator.place_call()
            await call.caller.wait_talking()
            await other.caller.wait_talking()
            await trio.testing.wait_all_tasks_blocked()
            listed = (await browser.get("/calls")).json()
            assert [entry["state"] for entry in listed] == ["ANSWERED", "ANSWERED"]
            ended = await browser.post(f"/calls/{call.call_id}/hang-up")
            assert ended.is_success
            assert call.ended
            assert other.agent_states[-1] is CallState.ANSWERED
            assert (await browser.post("/calls/nobody/hang-up")).is_client_error


async def test_sigterm_ends_the_calls_and_then_the_pages(loopback_simulator: Simulator) -> None:
    config = loopback_simulator.config
    with trio.fail_after(25):
        async with trio.open_nursery() as nursery:
            (address,) = await nursery.start(web_app.serve, config, "127.0.0.1:0")
            call = loopback_simulator.place_call()
            await call.caller.wait_talking()
            os.kill(os.getpid(), signal.SIGTERM)
            async with httpx.AsyncClient(base_url=address) as browser:
                # They are served while the call goes on.
                assert len((await browser.get("/calls")).json()) == 1
            assert not call.ended
            call.caller.hang_up()
            # The block ends when the program does.
    assert call.agent_states == [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
