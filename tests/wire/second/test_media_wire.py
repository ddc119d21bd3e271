"""A call's audio and commands on the second wire, as its queue and its protocol see them."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.state import CallState, Command
from trio_calls.wire.call_protocol import CREDIT_GRANTED, CallProtocol, CommandDone
from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.media_wire import PUT_OFF, AudioReceived, Credit
from trio_calls.wire.message import AudioError
from trio_calls.wire.second.audio_frame import pack_frame, pack_silence, unpack_frame
from trio_calls.wire.second.audio_reader import AudioReader
from trio_calls.wire.second.media import Config, Flow
from trio_calls.wire.second.media_wire import SecondMedia

pytestmark = pytest.mark.pure

MS = 48  # bytes at 24 kHz
FRAME = 20 * MS


def new_media(mode: AudioMode = AudioMode.MIXED) -> SecondMedia:
    return SecondMedia(AudioFormat(24000, mode))


def new_call(mode: AudioMode = AudioMode.MIXED) -> CallProtocol:
    return CallProtocol(new_media(mode), 2**20)


def read(media: SecondMedia, *words: Config | Flow) -> object:
    """Let the exchange say something. Returns what comes of the last of it."""
    return [media.read(encode(word)) for word in words][-1]


def speech(milliseconds: int) -> bytes:
    samples = milliseconds * MS // 2
    return b"".join((number % 65535 + 1).to_bytes(2, "little") for number in range(samples))


def say(call: CallProtocol, *words: Config | Flow) -> None:
    for word in words:
        call.receive(encode(word))


def sizes(call: CallProtocol) -> list[int]:
    """Send everything that may be sent. Returns how much is in each message, in ms."""
    sent = [pcm for pieces in iter(call.audio.take, []) for pcm in pieces]
    for pcm in sent:
        call.wire.pack(pcm)
    return [len(pcm) // MS for pcm in sent]


def test_nothing_is_sent_before_the_exchange_has_said_how() -> None:
    call = new_call()
    call.audio.put(speech(100))
    say(call, Flow(drained_ms=0, window_ms=60))
    assert sizes(call) == []
    say(call, Config(20))
    assert sizes(call) == [20, 20, 20]


@pytest.mark.parametrize(
    ("mode", "messages"),
    [
        (AudioMode.MIXED, [pack_frame(0, 0, 0, speech(20)), pack_silence(0, 1, 20, 30)]),
        (AudioMode.ISOLATED, [pack_frame(track, 0, 0, speech(25)) for track in (0, 1, 0, 1)]),
    ],
)
def test_a_word_says_after_how_much_of_the_call_it_came(
    mode: AudioMode, messages: list[bytes]
) -> None:
    call = new_call(mode)
    call.wire.follow()
    say(call, Config(20), Flow(drained_ms=0, window_ms=60))
    assert call.heard_bytes == 0
    call.wire.pack(speech(20))
    for message in messages:
        call.receive(message)
    say(call, Flow(drained_ms=20, window_ms=60))
    assert (call.played_bytes, call.heard_bytes) == (20 * MS, 50 * MS)


def test_by_a_long_silence_nobody_knows_how_late_a_word_is() -> None:
    """It may have been told of when it began, or when it was over."""
    call = new_call()
    call.wire.follow()
    word = Flow(drained_ms=0, window_ms=60)
    say(call, Config(20))
    call.receive(pack_frame(0, 0, 0, speech(20)))
    call.receive(pack_silence(0, 1, 20, 1000))
    say(call, word)
    assert call.heard_bytes == 0
    call.receive(pack_frame(0, 2, 1020, speech(20)))
    say(call, word)
    assert call.heard_bytes == FRAME


class TestWordsThatNobodyNeedsYet:
    """Each says all that those before it have said: only the newest is read, when it is needed."""

    def test_it_is_read_then(self) -> None:
        media = new_media()
        read(media, Config(20), Flow(drained_ms=0, window_ms=100))
        media.pack(speech(60))
        assert read(media, Flow(drained_ms=20, window_ms=100)) is PUT_OFF
        media.read(pack_frame(0, 0, 0, speech(20)))
        assert read(media, Flow(drained_ms=40, window_ms=100)) is PUT_OFF
        assert media.catch_up() == Credit(40 * MS, FRAME, 40 * MS, FRAME)
        assert media.catch_up() is None

    def test_it_says_what_it_said_when_it_came(self) -> None:
        media = new_media()
        read(media, Config(20), Flow(drained_ms=0, window_ms=100))
        assert read(media, Flow(drained_ms=60, window_ms=40)) is PUT_OFF
        media.pack(speech(60))
        media.read(pack_frame(0, 0, 0, speech(20)))
        assert media.catch_up() == Credit(0, FRAME, 0, 0)

    def test_it_is_needed_with_credit_for_less_than_two_frames(self) -> None:
        media = new_media()
        read(media, Config(20), Flow(drained_ms=0, window_ms=60))
        media.pack(speech(20))
        assert read(media, Flow(drained_ms=0, window_ms=60)) is PUT_OFF
        media.pack(speech(20))
        assert read(media, Flow(drained_ms=20, window_ms=60)) == Credit(20 * MS, FRAME, 20 * MS)
        assert media.catch_up() is None

    def test_it_is_needed_by_those_who_follow_what_is_played(self) -> None:
        media = new_media()
        read(media, Config(20), Flow(drained_ms=0, window_ms=100))
        media.follow()
        media.pack(speech(20))
        read(media, Config(20))
        assert read(media, Flow(drained_ms=20, window_ms=100)) == Credit(20 * MS, FRAME, 20 * MS)

    def test_one_in_other_words_makes_up_for_it(self) -> None:
        media = new_media()
        read(media, Config(20), Flow(drained_ms=0, window_ms=100))
        media.pack(speech(40))
        assert read(media, Flow(drained_ms=20, window_ms=100)) is PUT_OFF
        flow = '{"data": {"window_ms": 100, "drained_ms": 40, "track_id": 0}, "type": "flow"}'
        assert media.read(flow) == Credit(40 * MS, FRAME, 40 * MS)
        assert media.catch_up() is None


def test_credit_counts_from_the_beginning() -> None:
    call = new_call()
    call.audio.put(speech(1000))
    say(call, Config(20), Flow(drained_ms=0, window_ms=60))
    assert sizes(call) == [20, 20, 20]
    say(call, Flow(drained_ms=30, window_ms=60))
    assert sizes(call) == [20, 10]
    say(call, Flow(drained_ms=30, window_ms=60), Flow(drained_ms=0, window_ms=10))
    assert sizes(call) == []
    say(call, Flow(drained_ms=90, window_ms=60))
    assert sum(sizes(call)) == 60


def test_credit_of_another_track_is_nobodys() -> None:
    call = new_call()
    call.audio.put(speech(100))
    say(call, Config(20), Flow(track=1, drained_ms=0, window_ms=60))
    assert sizes(call) == []


def test_a_message_is_one_frame_however_much_may_be_sent() -> None:
    call = new_call()
    call.audio.put(speech(200))
    say(call, Config(50), Flow(drained_ms=0, window_ms=10_000))
    assert sizes(call) == [50] * 4


def test_a_frame_on_time_passes_the_queue() -> None:
    call = new_call()
    say(call, Config(20), Flow(drained_ms=0, window_ms=60))
    assert call.audio.spend(speech(20))
    assert not call.audio.spend(speech(40))


def test_messages_are_numbered_and_timed() -> None:
    wire = SecondMedia(AudioFormat())
    frames = [unpack_frame(wire.pack(speech(20))) for _ in range(3)]
    assert [(frame.track, frame.sequence, frame.clock_ms) for frame in frames] == [
        (0, 0, 0),
        (0, 1, 20),
        (0, 2, 40),
    ]
    assert frames[0].pcm == speech(20)


@pytest.mark.parametrize("samples", [1, 23, 24, 250, 479])
def test_the_end_of_speech_is_a_short_frame(samples: int) -> None:
    """Its time is told in whole milliseconds, and nothing of what follows drifts by that."""
    call = new_call()
    say(call, Config(20), Flow(drained_ms=0, window_ms=1000))
    said = speech(20)[: 2 * samples]
    sent = []
    for _ in range(50):
        call.audio.put(said)
        call.audio.flush()
        sent += [unpack_frame(call.wire.pack(pcm)) for pcm in call.audio.take()]
    assert [frame.pcm for frame in sent] == [said] * 50
    assert [frame.clock_ms for frame in sent] == [len(said) * n // MS for n in range(50)]
    assert call.audio.credit_bytes == 1000 * MS - 50 * len(said)


def test_parties_are_heard_on_tracks_of_their_own() -> None:
    call = new_call(AudioMode.ISOLATED)
    one, two = b"\1\2", b"\3\4"
    assert call.receive(pack_frame(0, 0, 0, one)) == AudioReceived(1, one, everybody=one)
    assert call.receive(pack_frame(1, 0, 0, two)) == AudioReceived(2, two)
    assert call.receive(pack_frame(0, 1, 0, one)) == AudioReceived(1, one)
    assert call.receive(pack_frame(1, 1, 0, two)) == AudioReceived(2, two, everybody=b"\4\6")
    quiet = bytes(2 * MS)
    assert call.receive(pack_silence(1, 2, 0, 2)) == AudioReceived(2, quiet)
    assert call.receive(pack_frame(0, 2, 0, one)) == AudioReceived(1, one, everybody=one)
    assert call.invalid_messages == 0


@pytest.mark.parametrize("message", [b"", b"\0\1\2", pack_frame(1, 0, 0, b"\1\2"), b"\0" * 9])
def test_what_is_no_audio_is_counted_and_dropped(message: bytes) -> None:
    call = new_call()
    assert call.receive(message) is None
    assert call.invalid_messages == 1


@given(st.binary(max_size=40), st.sampled_from(AudioMode))
def test_any_audio_is_read_as_the_reader_of_audio_does(message: bytes, mode: AudioMode) -> None:
    audio_format = AudioFormat(mode=mode)

    def outcome(read: Callable[[bytes], object]) -> object:
        try:
            return read(message)
        except AudioError as error:
            return str(error)

    expected = outcome(AudioReader(audio_format).read)
    heard = outcome(SecondMedia(audio_format).read)
    if isinstance(heard, AudioReceived):
        heard = heard.channel - (mode is AudioMode.ISOLATED), heard.pcm
    assert heard == expected


@given(
    st.sampled_from(["", " "]),
    *[st.integers(-1, 2**44) | st.integers(0, 300) | st.just(600_000)] * 3,
)
def test_a_flow_is_read_as_any_frame(blank: str, track: int, drained: int, window: int) -> None:
    data = {"track_id": track, "drained_ms": drained, "window_ms": window}
    separators = f",{blank}", f":{blank}"
    frames = [
        json.dumps({"type": "flow", "data": {**data, **more}}, separators=separators)
        for more in ({}, {"new": 1})
    ]
    short, longer = (granted_by(frame) for frame in frames)
    assert short == longer


def granted_by(frame: str) -> object:
    media = SecondMedia(AudioFormat(8000))
    media.read(encode(Config(20)))
    try:
        return media.read(frame)
    except WireError as error:
        return str(error)


def test_the_first_wires_requests_say_nothing_here() -> None:
    call = new_call()
    frame = '{"type":"buffer_request","data":{"requested_bytes":960}}'
    assert call.receive(frame) is None
    assert call.audio.credit_bytes == 0
    assert call.receive(encode(Config(20))) is CREDIT_GRANTED


def test_commands_are_what_they_were() -> None:
    call = new_call()
    sent = call.start_command(Command.CONNECT, ring_time_seconds=30)
    assert json.loads(sent.frame) == {
        "type": "command",
        "data": {
            "command_id": sent.command_id,
            "command": "call.connect",
            "timeout_ms": 30000,
            "data": {"ringTimeSeconds": 30},
        },
    }
    done = {"command_id": sent.command_id, "success": True}
    event = call.receive(json.dumps({"type": "command_response", "data": done}))
    assert event == CommandDone(sent.command_id, Command.CONNECT)
    assert call.state is CallState.CONNECTED
