"""A call that can be heard and not be spoken to is over at once."""

import errno

import pytest
import trio

from tests.support.peers.one_call import FakeMedia
from trio_calls import CallState, WSSError


@pytest.mark.parametrize(
    "trouble",
    [
        trio.BrokenResourceError("no buffer space available"),
        OSError(errno.ENOBUFS, "no buffer space available"),
        RuntimeError("of a stream of the application's own"),
    ],
)
@pytest.mark.parametrize("how", ["command", "audio", "ping"])
async def test_a_call_whose_sender_is_torn_is_lost_at_once(
    fake_media: FakeMedia, monkeypatch: pytest.MonkeyPatch, trouble: Exception, how: str
) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(9600)
        heard = call.audio_stream()
        await fake_media.speak(bytes(960))
        assert await anext(heard) == bytes(960)
        fake_media.exchange.tear_sender(trouble)
        begun = trio.current_time()
        with trio.fail_after(16):
            if how == "audio":
                await call.send_audio(bytes(960))
            elif how == "command":
                with pytest.raises(WSSError):
                    await call.connect()
            await call.wait_disconnected()
        assert call.state is CallState.DISCONNECTED
        assert trio.current_time() - begun <= (15.2 if how == "ping" else 0.2)
        assert [chunk async for chunk in heard] == []
