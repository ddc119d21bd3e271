"""What the page "What cancellation leaves behind" shows and names."""

import ast
import inspect
import re
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.phone_calls import A, C, D, P, place_call, speech
from trio_calls import ActiveCall, CallClient, CallState
from trio_calls.simulator import Simulator, answers

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "explanation/what-cancellation-leaves-behind.rst").read_text(encoding="utf-8")

SORRY, GOODBYE = speech(1), speech(2)


async def ring_impatiently(call: ActiveCall) -> None:
    await call.answer()
    with trio.move_on_after(10):
        await call.connect(ring_time_seconds=30)
    if call.state is CallState.ANSWERED:
        await call.send_audio(SORRY)  # the phone still rings, and may still be picked up


async def hang_up_whatever_happens(call: ActiveCall) -> None:
    try:
        await call.answer()
        await trio.sleep_forever()  # or whatever else is cancelled
    finally:
        await call.disconnect()  # sent, though nobody waits for the answer


async def say_goodbye_whatever_happens(call: ActiveCall) -> None:
    await call.answer()
    try:
        await trio.sleep_forever()
    finally:
        with trio.move_on_after(5, shield=True):
            await call.send_audio(GOODBYE)
            await call.disconnect()


async def test_the_phone_of_a_cancelled_connect_is_picked_up(simulator: Simulator) -> None:
    async with trio.open_nursery() as nursery:

        async def agent(call: ActiveCall) -> None:
            await ring_impatiently(call)
            await trio.sleep(20)
            assert call.state is C

        call = await place_call(simulator, agent, nursery, answers(after_seconds=15))
        await call.callee.wait_talking()
        assert SORRY in call.caller.heard
        assert call.agent_states == [P, A, C]
        nursery.cancel_scope.cancel()


async def test_disconnect_works_in_a_cancelled_scope(simulator: Simulator) -> None:
    async with trio.open_nursery() as nursery:
        call = await place_call(simulator, hang_up_whatever_happens, nursery)
        await call.caller.wait_talking()
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert call.ended
    assert any(entry.what.startswith("call.disconnect") for entry in call.transcript)


async def test_a_shielded_goodbye_is_heard(simulator: Simulator) -> None:
    async with trio.open_nursery() as nursery:
        call = await place_call(simulator, say_goodbye_whatever_happens, nursery)
        await call.caller.wait_talking()
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert GOODBYE in call.caller.heard
    assert call.agent_states == [P, A, D]


@pytest.mark.parametrize(
    ("path", "name"), sorted(set(re.findall(r"``(tests/[\w/]+\.py)::(\w+)``", PAGE)))
)
def test_every_test_that_the_page_names_exists(path: str, name: str) -> None:
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = [
        node.name
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert name in functions


def public_awaits() -> list[str]:
    methods = [
        name
        for owner in (ActiveCall, CallClient)
        for name, method in vars(owner).items()
        if inspect.iscoroutinefunction(method) and not name.startswith("_")
    ]
    return ["open_call_client", "serve_calls", "audio_stream", *methods]


@pytest.mark.parametrize("name", public_awaits())
def test_the_page_has_every_public_await(name: str) -> None:
    headings = re.findall(r"^(.+)\n-{4,}$", PAGE, re.M)
    assert any(f"{name}()" in heading for heading in headings)
