"""Conversations, with whatever can go wrong at each frame: both sides go on, in order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
import trio

from tests.support.peers.messaging import API_VERSION, body, text
from trio_calls import WSSConnectionError, events, open_call_client
from trio_calls.sessions import Conversation, WSSMessageError
from trio_calls.simulator import (
    Fault,
    Partner,
    answer_late,
    answer_twice,
    at_frame,
    cut_control,
    duplicate_offer,
    jitter,
    never_answer,
    open_simulator,
    refuse,
    restart,
    send_malformed,
    stall,
)

pytestmark = pytest.mark.slow

FAULTS: dict[str, Callable[[], Fault]] = {
    "cut": cut_control,
    "restart": lambda: restart(seconds=2),
    "stall": lambda: stall(seconds=15, connection="control"),
    "jitter": lambda: jitter(seconds=1),
    "malformed": lambda: send_malformed(connection="control"),
    "duplicate offer": duplicate_offer,
    "claim refused": lambda: refuse("session.open", error_code="QUOTA_EXCEEDED"),
    "claim answered late": lambda: answer_late("session.open", seconds=20),
    "claim never answered": lambda: never_answer("session.open"),
    "claim answered twice": lambda: answer_twice("session.open"),
    "message refused": lambda: refuse("wa.msg.out", error_code="REMOTE_ERROR"),
    "message answered late": lambda: answer_late("wa.msg.out", seconds=20),
    "message never answered": lambda: never_answer("wa.msg.out"),
    "message answered twice": lambda: answer_twice("wa.msg.out"),
}

#: Longer than the longest of them holds anything up, with all that follows.
PATIENCE_SECONDS = 200


async def echo(conversation: Conversation) -> None:
    async for message in conversation:
        with suppress(WSSConnectionError, WSSMessageError):
            await conversation.send(api_version=API_VERSION, data=text(body(message)))


async def answers(partner: Partner, last: str) -> list[str | None]:
    """Wait for the answer to the last message, and return all that have come."""
    with trio.fail_after(PATIENCE_SECONDS):
        while (await partner.wait_reply()).text != last:
            pass
    return [reply.text for reply in partner.replies]


@pytest.mark.parametrize("number", [1, 2, 4, 5, 6, 7, 9])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_at_any_frame(name: str, number: int, no_task_left: None) -> None:
    async with open_simulator(seed=number) as simulator:
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_MESSAGE)(echo)
            partner = simulator.place_message(sender="1", content="0")
            bystander = simulator.place_message(sender="2", content="0")
            simulator.inject(FAULTS[name](), call=partner, when=at_frame(number))
            for written in range(1, 4):
                await trio.sleep(0.3)
                for each in (partner, bystander):
                    each.write(str(written))
            await trio.sleep(PATIENCE_SECONDS)
            for each in (partner, bystander):
                each.write("last")
                said = await answers(each, "last")
                # In their order. One that was in doubt may be missing; one that was delivered again
                # is answered again.
                assert said == sorted(said, key=lambda t: (t == "last", t))
                assert each.is_open
            assert len(client.conversations) == 2
        assert simulator.violations == []
