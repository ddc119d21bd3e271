"""Who may connect, how a control connection begins, and what comes of nonsense."""

from __future__ import annotations

import json

import pytest
from trio.testing import MockClock

from tests.support.peers.sdk import open_pair, open_raw_sdk
from trio_calls.simulator import open_simulator
from trio_calls.wire.codec import encode
from trio_calls.wire.first.control import SessionOpen, Setup
from trio_calls.wire.names import CONTROL_PATH
from trio_calls.wire.responses import Response, SetupDone


@pytest.mark.parametrize("header", ["x-api-key", "x-connector-uuid"])
@pytest.mark.parametrize("value", ["wrong", "", None])
async def test_wrong_credentials_are_refused(
    header: str, value: str | None, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        headers = sdk.credentials()
        del headers[header]
        if value is not None:
            headers[header] = value
        assert await sdk.refusal(sdk.config.base_url + CONTROL_PATH, headers) == 401
        assert simulator.violations == []


@pytest.mark.parametrize("path", ["/", "/v1/agent", "/v1/agent/media/", "/v1/agent/media/x", "//["])
async def test_there_is_nothing_at_other_paths(path: str, autojump_clock: MockClock) -> None:
    async with open_pair() as (_, sdk):
        assert await sdk.refusal(sdk.config.base_url + path, sdk.credentials()) == 404


async def test_the_credentials_are_those_given(autojump_clock: MockClock) -> None:
    async with (
        open_simulator(api_key="other-key", connector_uuid="other-uuid") as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        assert simulator.config.api_key == "other-key"
        assert simulator.config.connector_uuid == "other-uuid"
        await sdk.open_control()


async def test_each_connection_has_its_own_id(autojump_clock: MockClock) -> None:
    async with open_pair() as (_, sdk):
        ids = {(await sdk.open_control()).connection_id for _ in range(3)}
        assert len(ids) == 3
        assert all(ids)


async def test_setup_comes_first(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control_bare()
        await control.send(SessionOpen("1", "2"))
        assert await control.is_closed_by_exchange()
        (violation,) = simulator.violations
        assert "before setup" in violation.fault
        assert violation.connection.startswith("control connection ")
        assert violation.time >= 0


async def test_a_second_setup_changes_nothing(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await control.send(Setup(24000, "isolated"))
        assert await control.is_quiet()
        assert [violation.fault for violation in simulator.violations] == ["a second setup"]


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ("nonsense", "a malformed frame: a frame must be JSON"),
        ('{"type":"session.open","reqId":7,"sessionId":"x"}', "malformed"),
        (b"\0\1", "a binary message"),
        ('{"type":"setup.done","smWsId":"x"}', "setup.done is for the exchange to send"),
        ('{"type":"response","reqId":"x","ok":true}', "response is for the exchange to send"),
    ],
)
async def test_nonsense_is_a_violation_and_no_more(
    frame: str | bytes, fault: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await control.websocket.send(frame)
        assert await control.is_quiet()
        (violation,) = simulator.violations
        assert fault in violation.fault
        assert violation.fault in caplog.text
        assert "nonsense" not in caplog.text
        assert (await control.claim("x")).error_code == "SESSION_NOT_FOUND"


@pytest.mark.parametrize("session_id", ["null", "7", '"' + "x" * 513 + '"'])
async def test_a_malformed_request_with_an_id_is_refused(
    session_id: str, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await control.websocket.send(
            f'{{"type":"session.open","reqId":"7","sessionId":{session_id}}}'
        )
        response = await control.expect(Response)
        assert (response.request_id, response.error_code) == ("7", "INVALID_REQUEST")
        assert len(simulator.violations) == 1


async def test_an_unknown_request_is_refused(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await control.websocket.send('{"type":"session.rename","reqId":"7","channel":"WA"}')
        response = await control.expect(Response)
        assert (response.request_id, response.is_ok) == ("7", False)
        assert response.error_code == "INVALID_REQUEST"
        assert simulator.violations == []


@pytest.mark.parametrize("request_id", [None, 7, ["x"], "x" * 513])
async def test_what_is_unknown_and_no_request_is_ignored(
    request_id: object, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await control.websocket.send(json.dumps({"type": "news", "reqId": request_id}))
        assert await control.is_quiet()
        assert simulator.violations == []


async def test_a_usable_setup_may_follow_an_unusable_one(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control_bare()
        await control.websocket.send(encode(Setup(24000, "mixed")).replace("24000", "44100"))
        await control.send(Setup(24000, "mixed"))
        await control.expect(SetupDone)
        assert len(simulator.violations) == 1


async def test_a_wrong_token_is_refused(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call_in = await control.take_call(simulator.place_call())
        assert await sdk.refusal(call_in.url, {}) == 401
        assert await sdk.refusal(call_in.url, {"Authorization": "Bearer wrong"}) == 401
        assert await sdk.refusal(call_in.url, {"Authorization": call_in.token}) == 401
        await sdk.open_media(call_in)


async def test_a_call_has_one_media_connection(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call_in = await control.take_call(simulator.place_call())
        media = await sdk.open_media(call_in)
        assert await sdk.refusal(call_in.url, {"Authorization": f"Bearer {call_in.token}"}) == 409
        await media.succeed("call.answer")


async def test_a_call_that_is_over_has_no_media_connection(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call = simulator.place_call()
        call_in = await control.take_call(call)
        call.caller.hang_up()
        assert await sdk.refusal(call_in.url, {"Authorization": f"Bearer {call_in.token}"}) == 404


async def test_a_stream_that_says_nothing_is_given_up(autojump_clock: MockClock) -> None:
    async with open_pair() as (_, sdk):
        assert sdk.config.open_stream is not None
        stream = await sdk.config.open_stream("simulator", 80)
        assert await stream.receive_some() == b""
        await stream.aclose()
