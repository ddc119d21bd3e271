"""How a control connection begins: one frame each way, and nothing is lost meanwhile."""

import json
from typing import Any

import pytest
import trio

from tests.support.peers.exchange import API_KEY, CONNECTOR_UUID, FakeExchange, Switchboard
from tests.support.peers.links import ControlEnd
from trio_calls import AudioMode, WSSConnectionError, __version__, events, open_call_client
from trio_calls.config import WireName
from trio_calls.wire.responses import SetupDone

#: What the setup says beside the format of audio.
MEDIA: dict[WireName, dict[str, Any]] = {
    "first": {},
    "second": {
        "mediaProtocolVersion": 2,
        "mediaCapabilities": ["credit_push", "framed_audio_v1"],
    },
}

#: How an SDK says of which generation it is.
VERSION: dict[WireName, dict[str, str]] = {
    "first": {"x-sdk-version": "1.0.0"},
    "second": {"x-sdk-version": "1.0.0b8", "x-sdk-client": "python/1.0.0b8"},
}


@pytest.mark.parametrize(
    ("settings", "data"),
    [
        ({}, {"sampleRate": 24000, "audioMode": "mixed"}),
        ({"sample_rate": 8000}, {"sampleRate": 8000, "audioMode": "mixed"}),
        ({"audio_mode": AudioMode.ISOLATED}, {"sampleRate": 24000, "audioMode": "isolated"}),
    ],
)
async def test_the_first_frame_is_the_setup_and_the_only_one(
    exchange: FakeExchange, wire: WireName, settings: dict[str, Any], data: dict[str, Any]
) -> None:
    async with open_call_client(exchange.config(**settings)):
        control = await exchange.control()
        assert json.loads(control.setup) == {"type": "setup", "data": {**data, **MEDIA[wire]}}
        assert await control.rest() == []


@pytest.mark.parametrize(
    ("base_url", "path", "address"),
    [
        ("ws://exchange", "/v1/agent/session-manager", ("exchange", 80)),
        ("ws://exchange:8080/", "/v1/agent/session-manager", ("exchange", 8080)),
        ("ws://exchange/behind/", "/behind/v1/agent/session-manager", ("exchange", 80)),
    ],
)
async def test_the_handshake_names_the_sdk_and_who_it_is(
    exchange: FakeExchange, wire: WireName, base_url: str, path: str, address: tuple[str, int]
) -> None:
    async with open_call_client(exchange.config(base_url=base_url)):
        [(asked_for, headers)] = exchange.requests
        assert asked_for == path
        assert headers["x-api-key"] == API_KEY
        assert headers["x-connector-uuid"] == CONNECTOR_UUID
        assert VERSION[wire].items() <= headers.items()
        assert headers["user-agent"] == f"trio_calls/{__version__}"
        assert [(attempt.host, attempt.port) for attempt in exchange.attempts] == [address]


async def test_the_exchange_may_be_told_of_another_wire(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client(wire_version="1.2.0b1") as (_, control, switchboard):
        await control.ring("s")
        await exchange.answer(await switchboard.next_call())
        versions = [headers["x-sdk-version"] for _, headers in exchange.requests]
        assert versions == ["1.2.0b1"] * 2
        await exchange.medias[0].close()


async def test_an_unfinished_setup_is_given_up_after_10_s(
    exchange: FakeExchange,
) -> None:
    exchange.finishes_setup = False
    with pytest.raises(WSSConnectionError, match="did not finish the setup within 10 s"):
        async with open_call_client(exchange.config()):
            pytest.fail("it never stood")
    assert trio.current_time() == 10
    await (await exchange.control()).over.wait()


async def test_talking_of_other_things_does_not_put_the_setup_off(exchange: FakeExchange) -> None:
    exchange.finishes_setup = False

    async def chatter() -> None:
        control = await exchange.control()
        for _ in range(15):
            await control.send('{"type":"weather"}', exchange.words.offer("s"))
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(chatter)
        with pytest.raises(WSSConnectionError):
            async with open_call_client(exchange.config()):
                pytest.fail("it never stood")
        assert trio.current_time() == 10
        nursery.cancel_scope.cancel()


async def test_a_setup_that_takes_long_is_waited_for(exchange: FakeExchange) -> None:
    exchange.finishes_setup = False

    async def take_long() -> None:
        control = await exchange.control()
        await trio.sleep(9.9)
        await control.finish_setup()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_long)
        async with open_call_client(exchange.config()):
            assert trio.current_time() == 9.9
            await trio.sleep(25)  # the time allowed does not end what stands


async def test_hanging_up_instead_of_the_setup_fails_at_once(
    exchange: FakeExchange,
) -> None:
    exchange.finishes_setup = False

    async def hang_up() -> None:
        await (await exchange.control()).close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hang_up)
        with pytest.raises(WSSConnectionError, match="ended the connection during the setup"):
            async with open_call_client(exchange.config()):
                pytest.fail("it never stood")
        assert trio.current_time() == 0


async def test_a_second_setup_done_changes_nothing(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        await control.ring("first")
        call = await switchboard.next_call()
        await control.send(SetupDone("another name"), exchange.words.offer("first"))
        await control.ring("second")
        await switchboard.next_call()
        assert client.calls[0] is call
        await trio.sleep(16)
        assert control.wire.ping_times == [15]


@pytest.mark.parametrize("is_early", [True, False], ids=["before", "in the same breath"])
async def test_offers_that_come_with_the_setup_wait_for_a_handler(
    exchange: FakeExchange, is_early: bool
) -> None:
    switchboard = Switchboard()
    offers = [exchange.words.offer(name) for name in ("first", "second")]
    exchange.finishes_setup = False
    controls: list[ControlEnd] = []

    async def offer_with_the_setup() -> None:
        control = await exchange.control()
        await control.receive_setup()
        done = SetupDone("connection")
        await control.send(*([*offers, done] if is_early else [done, *offers]))
        controls.append(control)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(offer_with_the_setup)
        async with open_call_client(exchange.config()) as client:
            await trio.sleep(5)
            [control] = controls
            assert await control.rest() == []

            client.on(events.INCOMING_CALL)(switchboard)
            await control.grant("first", "second")
            calls = [await switchboard.next_call(), await switchboard.next_call()]
            assert {(call.call_id, call.caller_number, call.callee_number) for call in calls} == {
                ("call of first", "caller of first", "callee of first"),
                ("call of second", "caller of second", "callee of second"),
            }
