"""Who hears the agent once the callee has picked up, on exchanges that differ in it."""

import pytest
import trio
import trio.testing

from tests.support.peers.one_call import FakeMedia
from trio_calls import AgentMode, CallState, ClientConfig, WSSCallCommandError, WSSConfigError


@pytest.mark.parametrize("mode", AgentMode)
async def test_a_conference_begins_in_the_exchanges_mode(
    fake_media: FakeMedia, mode: AgentMode
) -> None:
    async with fake_media.open_call(mode_after_connect=mode) as call:
        await fake_media.while_accepting(call.connect, "call.connect")
        assert call.mode is mode


@pytest.mark.parametrize("mode", AgentMode)
async def test_a_mode_is_asked_for_as_soon_as_there_is_a_conference(
    fake_media: FakeMedia, mode: AgentMode
) -> None:
    async with fake_media.open_call(mode_after_connect="SPY") as call:

        async def connect() -> None:
            await call.connect(mode=mode)
            assert call.mode is mode

        async with trio.open_nursery() as nursery:
            nursery.start_soon(connect)
            await fake_media.accept("call.connect")
            await fake_media.accept(f"agent.{mode.name.lower()}")


async def test_what_is_said_then_waits_for_the_mode(fake_media: FakeMedia) -> None:
    async with fake_media.open_call(mode_after_connect="SPY") as call:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def speak() -> None:
                await call.connect(mode=AgentMode.BARGE)
                await call.send_audio(bytes(960))

            await fake_media.accept("call.connect")
            asked = await fake_media.receive_command("agent.barge")
            await fake_media.grant(9600)
            await trio.testing.wait_all_tasks_blocked()
            assert fake_media.audio == []
            await fake_media.succeed(asked)
        await trio.testing.wait_all_tasks_blocked()
        assert len(fake_media.audio) == 1


async def test_a_mode_that_is_refused_leaves_the_conference(fake_media: FakeMedia) -> None:
    async with fake_media.open_call(mode_after_connect="SPY") as call:

        async def connect() -> None:
            with pytest.raises(WSSCallCommandError, match="FORBIDDEN"):
                await call.connect(mode=AgentMode.BARGE)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(connect)
            await fake_media.accept("call.connect")
            await fake_media.fail(await fake_media.receive_command("agent.barge"), "FORBIDDEN")
        assert (call.state, call.mode) == (CallState.CONNECTED, AgentMode.SPY)


@pytest.mark.pure
@pytest.mark.parametrize("mode", ["SHOUT", "barge", None, 1])
def test_another_mode_is_refused(mode: object) -> None:
    with pytest.raises(WSSConfigError, match="mode_after_connect must be one of BARGE"):
        ClientConfig(api_key="key", connector_uuid="uuid", mode_after_connect=mode)  # type: ignore[arg-type]
