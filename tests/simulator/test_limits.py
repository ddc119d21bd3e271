"""What the simulator does not wait for, does not take, and does not let in, in virtual time."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.peers.sdk import open_pair, open_raw_sdk
from trio_calls import WSSVersionError, open_call_client
from trio_calls.errors import WSSConfigError
from trio_calls.simulator import open_simulator
from trio_calls.transport import WebSocketClosed
from trio_calls.wire.codec import encode
from trio_calls.wire.dialing import DIALING_PATH, Dial
from trio_calls.wire.first.control import Setup
from trio_calls.wire.names import CONTROL_PATH
from trio_calls.wire.responses import SetupDone

HANDSHAKE = b"GET /v1/agent/session-manager HTTP/1.1\r\nHost: simulator\r\nX-Long: "


async def trickle(stream: trio.abc.Stream) -> None:
    while True:
        await trio.sleep(0.7)
        await stream.send_all(b"x")


async def test_a_handshake_that_trickles_in_is_given_up(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        assert sdk.config.open_stream is not None
        stream = await sdk.config.open_stream("simulator", 80)
        await stream.send_all(HANDSHAKE)
        with pytest.raises(trio.BrokenResourceError):
            await trickle(stream)
        assert 10 <= trio.current_time() < 11
        assert await stream.receive_some() == b""
        await stream.aclose()
        assert simulator.violations == []


async def test_an_sdk_without_a_setup_is_dropped(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        silent = await sdk.open_control_bare()
        busy = await sdk.open_control_bare()
        with trio.move_on_after(9.9):
            while True:
                await busy.websocket.send("nonsense")
                await trio.sleep(1)
        late = await sdk.open_control_bare()
        assert await silent.is_closed_by_exchange()
        assert trio.current_time() == 10
        assert await busy.is_closed_by_exchange()
        await wait_all_tasks_blocked()
        faults = [violation.fault for violation in simulator.violations]
        assert faults.count("no setup came within 10 s; dropped") == 2
        await trio.sleep(9.7)
        await late.send(Setup(24000, "mixed"))
        await late.expect(SetupDone)
        assert await late.is_quiet(3600)


async def test_a_dialer_without_a_call_is_dropped(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        url = sdk.config.base_url + DIALING_PATH
        idle = await sdk.open(url, sdk.credentials())
        busy = await sdk.open(url, sdk.credentials())
        await busy.send(encode(Dial("1", "2", "answers", 1.0)))
        with pytest.raises(WebSocketClosed):
            await idle.receive_batch()
        assert trio.current_time() == 10
        await trio.sleep(3600)
        (call,) = simulator.calls
        assert not call.ended


async def test_a_message_of_more_than_1_mib_ends_its_connection_only(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await control.websocket.send(bytes(2**20))
        assert await control.is_quiet()
        assert [violation.fault for violation in simulator.violations] == ["a binary message"]
        call = simulator.place_call()
        media = await sdk.open_media(await control.take_call(call))
        await media.succeed("call.answer")
        await control.websocket.send(bytes(2**20 + 1))
        assert await control.is_closed_by_exchange()
        assert len(simulator.violations) == 1
        await media.succeed("call.disconnect")
        await call.wait_ended()
        await sdk.open_control()


async def test_an_sdk_that_is_too_old_is_told_so(autojump_clock: MockClock) -> None:
    async with (
        open_simulator(minimum_sdk_version="99.1") as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        with pytest.raises(WSSVersionError) as caught:
            async with open_call_client(simulator.config):
                pass
        assert caught.value.status_code == 426
        assert "install a newer version" in str(caught.value)
        assert "x-sdk-version must be 99.1 or newer, and is older" in str(caught.value)
        url = simulator.config.base_url + CONTROL_PATH
        assert await sdk.refusal(url, sdk.credentials()) == 426
        assert await sdk.refusal(url, {"x-sdk-version": "1"}) == 401, "the key comes first"


async def test_an_sdk_that_is_new_enough_is_let_in(autojump_clock: MockClock) -> None:
    async with (
        open_simulator(minimum_sdk_version="1.0.0") as simulator,
        open_call_client(simulator.config),
    ):
        pass


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_connections", 0),
        ("keep_finished_calls", -1),
        ("keep_audio_seconds", 0.0),
        ("keep_audio_seconds", float("nan")),
        ("minimum_sdk_version", "latest"),
        ("mode_after_connect", "LOUD"),
    ],
)
async def test_limits_that_make_no_sense(
    setting: str, value: object, autojump_clock: MockClock
) -> None:
    with pytest.raises(WSSConfigError, match=setting):
        async with open_simulator(port=0, **{setting: value}):  # type: ignore[arg-type]
            pass


async def test_a_name_that_is_none_is_an_error_at_once(autojump_clock: MockClock) -> None:
    with pytest.raises(WSSConfigError, match="'http://x' is neither"):
        async with open_simulator(port=0, allowed_hosts=["http://x"]):
            pass
