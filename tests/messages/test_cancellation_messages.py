"""Conversations, cancelled at every moment: no message is lost or cut, no task is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from tests.support.cancellation import Stage, at_every_moment, quiet
from tests.support.in_memory import tasks_of_ours
from tests.support.peers.messaging import API_VERSION, body, text
from tests.support.peers.recorded_wires import check_wires
from tests.support.wires import on_the_first_wire, on_wires_and_transports
from trio_calls import events, open_call_client
from trio_calls.sessions import Conversation
from trio_calls.simulator import Partner

pytestmark = pytest.mark.slow


def answer_to(partner: Partner, words: str) -> dict[str, Any]:
    return {"to": partner.number, **text(words)}


@asynccontextmanager
async def conversing(stage: Stage) -> AsyncIterator[tuple[Partner, Conversation]]:
    """A client with a conversation; what was written first, "0", was not read yet."""
    came = trio.open_memory_channel[Conversation](1)

    async def hold(conversation: Conversation) -> None:
        came[0].send_nowait(conversation)
        await trio.sleep_forever()

    async with open_call_client(stage.config) as client:
        client.on(events.INCOMING_MESSAGE)(hold)
        partner = stage.simulator.place_message(content="0")
        yield partner, await came[1].receive()


@on_the_first_wire
@at_every_moment(max_orders=5)
async def test_open_conversation(stage: Stage) -> None:
    async with open_call_client(stage.config) as client:
        await quiet()
        tasks = tasks_of_ours()
        for attempt in stage.attempts():
            partner = stage.simulator.place_message()
            with attempt.watch():
                async with client.open_conversation(partner.session_id):
                    await trio.lowlevel.checkpoint()
            await quiet()
            assert list(client.conversations) == []
            # What was cancelled takes nothing from who comes next.
            async with client.open_conversation(partner.session_id) as conversation:
                assert body(await anext(conversation)) == "Hello"
                assert list(client.conversations) == [conversation]
            partner.close()
            await quiet()
            assert tasks_of_ours() == tasks
            assert stage.simulator.violations == []


@on_wires_and_transports
@at_every_moment(max_orders=3)
async def test_a_message_goes_out_whole_or_not_at_all(stage: Stage) -> None:
    async with conversing(stage) as (partner, conversation):
        await quiet()
        tasks = tasks_of_ours()
        for attempt in stage.attempts():
            before = len(partner.replies)
            with attempt.watch() as scope:
                await conversation.send(api_version=API_VERSION, data=answer_to(partner, "hello"))
            await quiet()
            went_out = len(partner.replies) - before
            assert went_out == 1 if not scope.cancelled_caught else went_out in {0, 1}
            await conversation.send(api_version=API_VERSION, data=answer_to(partner, "again"))
            assert partner.replies[-1].text == "again"
            assert len(partner.replies) == before + went_out + 1
            assert tasks_of_ours() == tasks
            assert stage.simulator.violations == []


@on_wires_and_transports
@at_every_moment(max_orders=3)
async def test_no_message_is_taken_by_who_is_cancelled(stage: Stage) -> None:
    async with conversing(stage) as (partner, conversation):
        read = [body(await anext(conversation))]
        for written, attempt in enumerate(stage.attempts(), start=1):
            partner.write(str(written))
            with attempt.watch():
                read.append(body(await anext(conversation)))
            while len(read) <= written:
                read.append(body(await anext(conversation)))
        assert read == [str(number) for number in range(len(read))]


@on_wires_and_transports
@at_every_moment(max_orders=3)
async def test_a_client_with_conversations_is_left(stage: Stage) -> None:
    tasks = tasks_of_ours()
    for attempt in stage.attempts():
        done = trio.Event()

        partner = stage.simulator.place_message()
        said = answer_to(partner, "hello")

        async def answer(
            conversation: Conversation,
            done: trio.Event = done,
            said: dict[str, Any] = said,
        ) -> None:
            async for _ in conversation:
                await conversation.send(api_version=API_VERSION, data=said)
                done.set()

        with attempt.watch():
            async with open_call_client(stage.config) as client:
                client.on(events.INCOMING_MESSAGE)(answer)
                await done.wait()
        await quiet()
        assert len(partner.replies) <= 1
        assert partner.is_open
        partner.close()
        check_wires(stage.wires)
        stage.wires.clear()
        assert tasks_of_ours() == tasks
        assert stage.simulator.violations == []
