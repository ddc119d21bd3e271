"""Answer what people write."""

import logging

import pytest
import trio
import trio.testing

from examples import answer_messages
from trio_calls.simulator import Simulator, never_answer, refuse


async def test_whoever_asks_is_told_when_it_is_open(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    nursery.start_soon(answer_messages.serve, simulator.config)
    partner = simulator.place_message(sender="6591", content="When are you OPEN?")
    reply = await partner.wait_reply()
    assert (reply.text, reply.content["to"]) == (answer_messages.HOURS, "6591")
    partner.write({"type": "image", "image": {"id": "1"}})
    assert (await partner.wait_reply()).text == answer_messages.THANKS


async def test_it_goes_on_after_an_answer_that_was_not_sent(
    simulator: Simulator, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    nursery.start_soon(answer_messages.serve, simulator.config)
    simulator.inject(refuse("wa.msg.out", error_code="REMOTE_ERROR"))
    partner = simulator.place_message(content="hello")
    await trio.sleep(1)
    simulator.inject(never_answer("wa.msg.out"))
    partner.write("hello?")
    partner.write("Are you open?")
    assert (await partner.wait_reply()).text == answer_messages.THANKS
    assert (await partner.wait_reply()).text == answer_messages.HOURS
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line.partition(":")[0] for line in said] == [
        "an answer was refused",
        "an answer may not have gone out",
    ]


async def test_it_runs_by_itself(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await answer_messages.simulate()
    assert capsys.readouterr().out.splitlines() == [
        " partner: Are you open today?",
        f"   agent: {answer_messages.HOURS}",
        " partner: Please call me back.",
        f"   agent: {answer_messages.THANKS}",
    ]
