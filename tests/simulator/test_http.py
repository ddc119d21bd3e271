"""The simulator's sessions over HTTP, asked for byte by byte."""

from __future__ import annotations

import pytest
import trio

from tests.support.peers.plain_http import Answer, ask, exchange_bytes
from tests.support.peers.sdk import open_pair
from tests.support.transports import on_one_transport
from trio_calls.simulator import PhoneState, Simulator, open_simulator, restart
from trio_calls.wire.first.control import SessionClosed, SessionNotify

pytestmark = on_one_transport

SESSIONS = "/public/v1/sessions"


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200
    return [item["id"] for item in answer.body["items"]]


async def test_what_a_list_says_of_a_call(simulator: Simulator) -> None:
    call = simulator.place_call(caller="+1", callee="+2")
    await trio.sleep(10)
    answer = await ask(simulator, "GET", SESSIONS)
    opened_at = 1767225600
    (item,) = answer.body["items"]
    assert item == {
        "id": call.session_id,
        "channel": "TELCO",
        "initiator": "CONNECTOR",
        "state": "OPEN",
        "remoteAddress": "+1",
        "localAddress": "+2",
        "openedAt": opened_at,
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    call.caller.hang_up()
    (item,) = (await ask(simulator, "GET", SESSIONS)).body["items"]
    assert (item["state"], item["openedAt"], item["closedAt"]) == (
        "CLOSED",
        opened_at,
        opened_at + 10,
    )


async def test_lists_are_filtered(simulator: Simulator) -> None:
    over, rings, other = [simulator.place_call(caller=number) for number in ("1 1", "1 1", "+3/")]
    over.caller.hang_up()
    wanted = {
        "": [over, rings, other],
        "?state=OPEN": [rings, other],
        "?state=CLOSED": [over],
        "?channel=TELCO&state=OPEN": [rings, other],
        "?channel=WA": [],
        "?remoteAddress=1+1": [over, rings],
        "?remoteAddress=1%201&state=OPEN": [rings],
        "?remoteAddress=%2B3%2F": [other],
        "?remoteAddress=": [],
        "?page=7": [over, rings, other],
    }
    for query, calls in wanted.items():
        answer = await ask(simulator, "GET", SESSIONS + query)
        assert ids(answer) == [call.session_id for call in calls], query


@pytest.mark.parametrize("query", ["state=ALL", "state=", "channel=WA&channel=TELCO"])
async def test_filters_that_make_no_sense(simulator: Simulator, query: str) -> None:
    answer = await ask(simulator, "GET", f"{SESSIONS}?{query}")
    assert (answer.status, answer.body["code"]) == (400, "INVALID_REQUEST")


async def test_closing_what_rings_ends_it_for_all(simulator: Simulator) -> None:
    call = simulator.place_call()
    await trio.sleep(3)
    answer = await ask(simulator, "POST", f"{SESSIONS}/{call.session_id}/close")
    assert (answer.status, answer.body) == (
        200,
        {"closedAt": 1767225603, "reason": "SDK_REQUEST"},
    )
    assert call.ended
    again = await ask(simulator, "POST", f"{SESSIONS}/{call.session_id}/close")
    assert (again.status, again.body["code"]) == (404, "SESSION_NOT_FOUND")


@pytest.mark.parametrize("command", ["call.answer", "call.connect"])
async def test_closing_is_what_call_close_is(command: str) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call = simulator.place_call()
        media = await sdk.open_media(await control.take_call(call))
        await media.succeed(command, 10 if command == "call.connect" else None)
        await ask(simulator, "POST", f"{SESSIONS}/{call.session_id}/close")
        closed = await control.expect(SessionClosed)
        assert (closed.session_id, closed.reason) == (call.session_id, "SDK_REQUEST")
        await media.closed.wait()
        assert [event.event for event in media.events] == ["call.terminated"]
        talks_on = command == "call.connect"
        assert call.ended is not talks_on
        assert (call.caller.state is PhoneState.TALKING) is talks_on


async def test_no_session_of_that_name(simulator: Simulator) -> None:
    for name in ("nonsense", "a%2Fb", "%FF", "%00"):
        answer = await ask(simulator, "POST", f"{SESSIONS}/{name}/close")
        assert (answer.status, answer.body["code"]) == (404, "SESSION_NOT_FOUND")


@pytest.mark.parametrize("path", ["/public/", "/public/v1/calls", f"{SESSIONS}/x", f"{SESSIONS}/"])
async def test_there_is_nothing_at_other_paths(simulator: Simulator, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await ask(simulator, method, path)
        assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("path", "allowed"), [(SESSIONS, "GET"), (f"{SESSIONS}/x/close", "POST")])
async def test_other_methods_are_not_allowed(simulator: Simulator, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "DELETE", "OPTIONS"} - {allowed}:
        answer = await ask(simulator, method, path)
        assert (answer.status, answer.body["code"]) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("header", ["x-api-key", "x-connector-uuid"])
@pytest.mark.parametrize("value", ["", "wrong"])
async def test_who_has_no_key_is_told_nothing(
    simulator: Simulator, header: str, value: str
) -> None:
    call = simulator.place_call()
    for method, path in (("GET", SESSIONS), ("POST", f"{SESSIONS}/{call.session_id}/close")):
        answer = await ask(simulator, method, path, headers={header: value})
        assert (answer.status, answer.body["code"]) == (401, "UNAUTHORIZED")
        assert list(answer.body) == ["code", "message"]
    assert not call.ended


async def test_web_pages_may_not_ask(simulator: Simulator) -> None:
    answer = await ask(simulator, "GET", SESSIONS, headers={"origin": "https://evil.example"})
    assert (answer.status, answer.body["code"]) == (403, "FORBIDDEN")


async def test_an_sdk_that_is_too_old_is_told_so() -> None:
    async with open_simulator(minimum_sdk_version="2.0") as simulator:
        answer = await ask(simulator, "GET", SESSIONS, headers={"x-sdk-version": "1.9"})
        assert answer.status == 426
        assert (
            await ask(simulator, "GET", SESSIONS, headers={"x-sdk-version": "2.0"})
        ).status == 200


async def test_an_exchange_that_is_down_says_so(simulator: Simulator) -> None:
    simulator.inject(restart(seconds=5))
    assert (await ask(simulator, "GET", SESSIONS)).status == 503
    await trio.sleep(6)
    assert (await ask(simulator, "GET", SESSIONS)).status == 200


async def test_a_request_may_come_byte_by_byte(simulator: Simulator) -> None:
    request = (
        f"GET {SESSIONS} HTTP/1.1\r\nHost: x\r\nx-api-key: {simulator.config.api_key}\r\n"
        f"x-connector-uuid: {simulator.config.connector_uuid}\r\n\r\n"
    )
    answer = await exchange_bytes(simulator, *(bytes([byte]) for byte in request.encode()))
    assert ids(answer) == []


async def test_what_else_is_sent_changes_nothing(simulator: Simulator) -> None:
    answer = await ask(
        simulator, "GET", SESSIONS, body=b"hello" + b"x" * 10_000, headers={"content-length": "5"}
    )
    assert ids(answer) == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /public/ nonsense\r\n\r\n",
        b"GET /public/ HTTP/1.1\r\n\r\n",
        b"GET /public/ HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GET /public/ HTTP/1.1\r\nHost: x\r\nx: " + b"x" * 2**17,
        b"GET /public/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /public/",
    ],
)
async def test_nonsense_ends_that_connection_only(
    simulator: Simulator, request_bytes: bytes
) -> None:
    assert simulator.config.open_stream is not None
    stream = await simulator.config.open_stream("simulator", 80)
    await stream.send_all(request_bytes)
    with trio.fail_after(12):
        while await stream.receive_some():
            pass
    await stream.aclose()
    assert (await ask(simulator, "GET", SESSIONS)).status == 200


async def test_websockets_are_served_beside_it() -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        assert (await ask(simulator, "GET", SESSIONS)).status == 200
        simulator.place_call()
        await control.expect(SessionNotify)
        assert simulator.violations == []
