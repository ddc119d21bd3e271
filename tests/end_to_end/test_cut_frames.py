"""Connections that are cut in the middle of a frame: half a frame is nothing."""

import pytest
import trio

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.peers.frames import BINARY, TEXT, fragments, frame
from tests.support.wires import on_the_first_wire
from trio_calls import CallState, WSSMediaError
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CommandResponse
from trio_calls.wire.first.control import SessionReady

SPEECH = [bytes([number, 0]) * 480 for number in range(1, 4)]

#: How many bytes of the frame still come. A long frame has its length in the first 4.
cut_after = pytest.mark.parametrize("cut", [1, 3, 4, 20, -1])


@cut_after
@pytest.mark.parametrize("is_fragmented", [False, True])
async def test_audio_ends_with_the_last_whole_frame(
    exchange: FakeExchange, cut: int, is_fragmented: bool
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        media = await exchange.answer(call)
        stream = call.audio_stream()
        await media.speak(*SPEECH[:-1])
        last = media.words.pack(0, SPEECH[-1])
        half = frame(BINARY, last)[:cut]
        if is_fragmented:
            half = fragments(BINARY, last[:480], last[480:])[0] + b"\x80"
        await media.wire.send_all(half)
        await media.cut()
        assert [pcm async for pcm in stream] == SPEECH[:-1]
        assert call.state is CallState.DISCONNECTED
        assert call.statistics().invalid_messages == 0


@cut_after
@pytest.mark.parametrize("command", ["call.connect", "call.close", "call.disconnect"])
async def test_a_command_whose_answer_is_cut_off_ends_at_once(
    exchange: FakeExchange, command: str, cut: int
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        media = await exchange.answer(call)
        started_at = trio.current_time()

        async def command_fails() -> None:
            if command == "call.close":
                await call.close()  # a lost connection is as good
                return
            with pytest.raises(WSSMediaError):
                await (call.connect() if command == "call.connect" else call.disconnect())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(command_fails)
            request = await media.expect_command(command)
            response = encode(CommandResponse(request.command_id, success=True)).encode()
            await media.wire.send_all(frame(TEXT, response)[:cut])
            await media.cut()
        assert call.state is CallState.DISCONNECTED
        assert trio.current_time() == started_at


@cut_after
@pytest.mark.parametrize("moment", ["offer", "response"])
async def test_a_control_frame_that_is_cut_off_costs_no_call(
    exchange: FakeExchange, moment: str, cut: int
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        message = control.words.offer("s")
        if moment == "response":
            await control.offer("s")
            message = control.words.grant(await control.expect_claim("s"))
        await control.wire.send_all(frame(TEXT, encode(message).encode())[:cut])
        await control.cut()
        await check_it_can_be_had(exchange, switchboard)


@cut_after
@on_the_first_wire  # on the second the address comes with the response
async def test_an_address_that_is_cut_off_costs_no_call(exchange: FakeExchange, cut: int) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.offer("s")
        claim = await control.expect_claim("s")
        await control.send(control.words.grant(claim))
        await control.expect(SessionReady)
        await control.wire.send_all(frame(TEXT, encode(call_in("s")).encode())[:cut])
        await control.cut()
        await check_it_can_be_had(exchange, switchboard)


async def check_it_can_be_had(exchange: FakeExchange, switchboard: Switchboard) -> None:
    renewed = await exchange.control()
    await renewed.ring("s")
    await exchange.answer(await switchboard.next_call())
    assert len(switchboard.calls) == 1
