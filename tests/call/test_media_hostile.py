"""Whatever an exchange says on a media connection: the call goes on, and speech stays whole."""

import logging
import struct

import pytest
import trio
import trio.testing

from tests.support.peers.media_words import MS
from tests.support.peers.one_call import FRAME, FakeMedia, frames
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import ActiveCall, CallState
from trio_calls.wire.first.media import pack_audio
from trio_calls.wire.second.media import Flow

pytestmark = pytest.mark.slow

SECRET = "what-the-frame-held"

#: In place of a number of bytes, of milliseconds, of a channel or a track.
NO_SIZES = ["-1", "-960", "0.5", "960.0", "true", "false", '"960"', "[960]", "{}"]
NO_SIZES += ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, str(2**63)]

GARBAGE: list[str | bytes] = [
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
]

FIRST_GARBAGE: list[str | bytes] = [
    *(
        f'{{"type":"buffer_request","data":{{"requested_bytes":{size}}}}}'
        for size in ["0", "null", "16777217", *NO_SIZES]
    ),
    *(
        f'{{"type":"buffer_request","data":{{"requested_bytes":960,"{key}":{size}}}}}'
        for key in ("prefer_audio_frame_bytes", "channelId")
        for size in NO_SIZES
    ),
    '{"type":"buffer_request"}',
    pack_audio(0, b"\1"),
    pack_audio(0, bytes(FRAME + 1)),
    pack_audio(1, bytes(FRAME)),
    pack_audio(255, bytes(FRAME)),
]


def audio(flags: int, payload: bytes, *, track: int = 0) -> bytes:
    """Make a message of the second wire's audio."""
    return struct.pack(">BBHI", track, flags, 0, 0) + payload


PCM = bytes(FRAME)
SILENCE, END_OF_TURN, EXTENSIONS = 0x01, 0x02, 0x80

SECOND_GARBAGE: list[str | bytes] = [
    *(
        f'{{"type":"config","data":{{"frame_ms":{size}}}}}'
        for size in ["0", "null", "1001", *NO_SIZES]
    ),
    '{"type":"config"}',
    '{"type":"config","data":{}}',
    *(
        f'{{"type":"flow","data":{{"{key}":{size},"{other}":60}}}}'
        for key, other in (("drained_ms", "window_ms"), ("window_ms", "drained_ms"))
        for size in NO_SIZES
    ),
    '{"type":"flow","data":{"drained_ms":0,"window_ms":600001}}',
    *(f'{{"type":"flow","data":{{"track_id":{size}}}}}' for size in ["256", *NO_SIZES]),
    '{"type":"flow","data":[0,0,60]}',
    audio(0, PCM)[:7],
    audio(0, b""),
    audio(0, b"\1"),
    audio(0, PCM + b"\1"),
    audio(0, PCM, track=1),
    audio(0, PCM, track=255),
    *(audio(flags, PCM) for flags in (0x04, 0x08, 0x10, 0x20, 0x40, 0x7C, 0xFC, 0xFF)),
    audio(SILENCE, b""),
    audio(SILENCE, b"\0\0\5"),
    audio(SILENCE, b"\0\0\0\5\0"),
    audio(SILENCE, PCM),
    audio(SILENCE | END_OF_TURN, b""),
    audio(END_OF_TURN, b"\1"),
    # The extensions are said to be longer than the frame,
    audio(EXTENSIONS, b""),
    audio(EXTENSIONS, b"\1"),
    audio(EXTENSIONS, b"\xff" + bytes(254)),
    # one of them longer than all of them,
    audio(EXTENSIONS, b"\2\1\1" + PCM),
    audio(EXTENSIONS, b"\3\1\xff\0" + PCM),
    # or cut off; or there is nothing behind them.
    audio(EXTENSIONS, b"\1\1" + PCM),
    audio(EXTENSIONS, b"\4\1\1\7\2" + PCM),
    audio(EXTENSIONS, b"\2\1\0"),
    audio(EXTENSIONS | SILENCE, b"\0" + PCM),
]


def numbered(frames: list[str | bytes]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("frame", frames, ids=range(len(frames)))


@numbered(GARBAGE)
async def test_garbage_is_counted_and_dropped_and_no_sample_shifts(
    fake_media: FakeMedia, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await count_and_drop(fake_media, frame, caplog)


@on_the_first_wire
@numbered(FIRST_GARBAGE)
async def test_so_is_what_makes_no_sense_on_the_first_wire(
    fake_media: FakeMedia, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await count_and_drop(fake_media, frame, caplog)


@on_the_second_wire
@numbered(SECOND_GARBAGE)
async def test_so_is_what_makes_no_sense_on_the_second_wire(
    fake_media: FakeMedia, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await count_and_drop(fake_media, frame, caplog)


async def count_and_drop(
    fake_media: FakeMedia, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Let a frame come in the middle of what is heard and said."""
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


@on_the_first_wire
async def test_a_flood_of_requests_makes_the_agent_say_nothing_twice(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call() as call:
        for _ in range(1000):
            await fake_media.grant(2**24)
        await say_it_once(fake_media, call)


@on_the_second_wire
async def test_nor_does_a_flood_of_windows(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(600_000 * MS)
        for window_ms in range(1000):
            await fake_media.send(Flow(drained_ms=0, window_ms=600_000 - window_ms))
        await say_it_once(fake_media, call)


async def say_it_once(fake_media: FakeMedia, call: ActiveCall) -> None:
    said = frames(20)
    for pcm in said:
        await call.send_audio(pcm)
    await trio.testing.wait_all_tasks_blocked()
    assert fake_media.said == b"".join(said)
    statistics = call.statistics()
    assert (statistics.queued_bytes, statistics.invalid_messages) == (0, 0)
    await fake_media.while_accepting(call.connect, "call.connect")
