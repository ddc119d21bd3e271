"""Whatever an exchange says on a media connection: the call goes on, and speech stays whole."""

import logging

import pytest
import trio.testing

from tests.support.peers.one_call import FRAME, FakeMedia, frames
from trio_calls import CallState
from trio_calls.wire.first.media import BufferRequest, pack_audio

pytestmark = pytest.mark.slow

SECRET = "what-the-frame-held"

#: In place of a number of bytes, or of a channel.
NO_SIZES = ["-1", "-960", "0.5", "960.0", "true", "false", "null", '"960"', "[960]", "{}"]
NO_SIZES += ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "16777217", str(2**63)]

GARBAGE: list[str | bytes] = [
    *(
        f'{{"type":"buffer_request","data":{{"requested_bytes":{size}}}}}'
        for size in ["0", *NO_SIZES]
    ),
    *(
        f'{{"type":"buffer_request","data":{{"requested_bytes":960,"{key}":{size}}}}}'
        for key in ("prefer_audio_frame_bytes", "channelId")
        for size in NO_SIZES
        # Null stands for the usual size and channel.
        if size not in ("16777217", "null")
    ),
    '{"type":"buffer_request"}',
    '{"type":"command_response","data":{"command_id":7,"success":true}}',
    '{"type":"command_response","data":{"command_id":"c","success":1}}',
    '{"type":"call_event","data":{"event":["call.terminated"]}}',
    '{"type":"call_event","data":{"event":"call.terminated\\ud800"}}',
    '{"type":"call_event","data":"call.terminated"}',
    "[" * 100_000,
    '{"type":"call_event","data":' * 5000,
    SECRET,
    f'{{"type":7,"data":"{SECRET}"}}',
    "",
    "null",
    b"",
    b"\0",
    pack_audio(0, b"\1"),
    pack_audio(0, bytes(FRAME + 1)),
    pack_audio(1, bytes(FRAME)),
    pack_audio(255, bytes(FRAME)),
]


@pytest.mark.parametrize("frame", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_counted_and_dropped_and_no_sample_shifts(
    fake_media: FakeMedia, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "trio_calls")
    heard, said = frames(2, seed=1), frames(2, seed=2)
    async with fake_media.open_answered_call() as call:
        stream = call.audio_stream()
        await fake_media.speak(heard[0])
        await fake_media.send(frame)
        await fake_media.speak(heard[1])
        assert [await anext(stream), await anext(stream)] == heard
        await fake_media.grant(2 * FRAME)
        for pcm in said:
            await call.send_audio(pcm)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == b"".join(said)
        statistics = call.statistics()
        assert (statistics.invalid_messages, statistics.received_frames) == (1, 2)
        assert statistics.credit_bytes == 0
        await fake_media.while_accepting(call.connect, "call.connect")
        assert call.state is CallState.CONNECTED
    assert SECRET not in caplog.text


async def test_a_flood_of_requests_makes_the_agent_say_nothing_twice(
    fake_media: FakeMedia,
) -> None:
    said = frames(20)
    request = BufferRequest(2**24)
    async with fake_media.open_answered_call() as call:
        for _ in range(1000):
            await fake_media.send(request)
        for pcm in said:
            await call.send_audio(pcm)
        await trio.testing.wait_all_tasks_blocked()
        assert fake_media.said == b"".join(said)
        statistics = call.statistics()
        assert (statistics.queued_bytes, statistics.invalid_messages) == (0, 0)
        await fake_media.while_accepting(call.connect, "call.connect")
