"""What the fast transport reads in passing is what the library would have read."""

from __future__ import annotations

import itertools
import logging
from typing import Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol, Side, State

from trio_calls.transport._fragments import Fragments
from trio_calls.transport._frame_reader import FrameReader
from trio_calls.transport._framing import data_frame

pytestmark = [pytest.mark.pure, pytest.mark.slow]

_MAX_SIZE: Final = 2**20

# The library would log every frame.
_silent: Final = logging.getLogger("tests.frames")
_silent.disabled = True

SIDES: Final = st.sampled_from([CLIENT, SERVER])


def protocol(side: Side) -> Protocol:
    return Protocol(side, state=State.OPEN, max_size=_MAX_SIZE, logger=_silent)


@attrs.frozen
class Read:
    """What became of a stream of bytes."""

    messages: list[str | bytes]
    controls: list[tuple[Opcode, bytes]]
    state: State
    answers: bytes


def read_by_us(side: Side, pieces: list[bytes]) -> Read:
    ours = protocol(side)
    controls: list[tuple[Opcode, bytes]] = []
    reader = FrameReader(
        ours, lambda frame: controls.append((frame.opcode, bytes(frame.data))), lambda: None
    )
    messages = [message for piece in pieces for message in reader.receive(piece)]
    return Read(messages, controls, ours.state, unmasked(side, ours.data_to_send()))


def read_by_library(side: Side, data: bytes) -> Read:
    """Byte by byte, so that of two faults the first one is the one that counts."""
    theirs = protocol(side)
    fragments = Fragments()
    messages: list[str | bytes] = []
    controls: list[tuple[Opcode, bytes]] = []
    is_text = True
    for byte in data:
        theirs.receive_data(bytes((byte,)))
        for event in theirs.events_received():
            assert isinstance(event, Frame)
            if event.opcode in {Opcode.PING, Opcode.PONG, Opcode.CLOSE}:
                controls.append((event.opcode, bytes(event.data)))
                continue
            try:
                message = fragments.add(event) if is_text else None
            except UnicodeDecodeError:
                theirs.fail(1007, "text must be UTF-8")
                is_text = False
            else:
                messages += [message] if message is not None else []
    return Read(messages, controls, theirs.state, unmasked(side, theirs.data_to_send()))


def unmasked(side: Side, sent: list[bytes]) -> bytes:
    """Read what was sent with the eyes of the other side: masks are random."""
    reader = protocol(SERVER if side is CLIENT else CLIENT)
    reader.receive_data(b"".join(sent))
    frames = [event for event in reader.events_received() if isinstance(event, Frame)]
    return repr([(frame.opcode, bytes(frame.data)[:2]) for frame in frames]).encode()


def serialized(frame: Frame, side: Side) -> bytes:
    return frame.serialize(mask=side is SERVER, extensions=[])


payloads = st.one_of(
    st.binary(max_size=100),
    st.text(max_size=40).map(str.encode),
    st.integers(120, 300).map(bytes),
)
long_payloads = st.sampled_from([2**16 - 1, 2**16, 2**16 + 1]).map(bytes)
data_frames = st.builds(
    Frame, st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]), payloads, fin=st.booleans()
)
control_frames = st.builds(
    Frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)
)
closes = st.just(Frame(Opcode.CLOSE, b"\x03\xe8"))
plain_frames = st.builds(Frame, st.just(Opcode.BINARY), payloads) | st.builds(
    Frame, st.just(Opcode.TEXT), st.text(max_size=60).map(str.encode)
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Side, list[bytes]]:
    """A side, and what comes to it: mostly lawful frames, now and then anything, cut anywhere."""
    side = draw(SIDES)
    frames = draw(
        st.lists(
            st.one_of(
                plain_frames.map(lambda frame: serialized(frame, side)),
                plain_frames.map(lambda frame: serialized(frame, side)),
                control_frames.map(lambda frame: serialized(frame, side)),
                data_frames.map(lambda frame: serialized(frame, side)),
                closes.map(lambda frame: serialized(frame, side)),
                st.binary(min_size=1, max_size=20),
            ),
            max_size=8,
        )
    )
    data = b"".join(frames)
    cuts = draw(st.lists(st.integers(0, len(data)), max_size=8).map(sorted))
    edges = [0, *cuts, len(data)]
    return side, [data[start:end] for start, end in itertools.pairwise(edges)]


@settings(max_examples=500)
@given(streams())
def test_every_stream_is_read_as_the_library_reads_it(stream: tuple[Side, list[bytes]]) -> None:
    side, pieces = stream
    assert read_by_us(side, pieces) == read_by_library(side, b"".join(pieces))


@given(SIDES, st.lists(plain_frames, min_size=1, max_size=5))
def test_one_byte_at_a_time_is_the_same_as_all_at_once(side: Side, frames: list[Frame]) -> None:
    data = b"".join(serialized(frame, side) for frame in frames)
    one_by_one = read_by_us(side, [bytes((byte,)) for byte in data])
    assert one_by_one == read_by_us(side, [data])
    assert len(one_by_one.messages) == len(frames)


@pytest.mark.parametrize("side", [CLIENT, SERVER])
@pytest.mark.parametrize("length", [2**16 - 1, 2**16, 2**16 + 1, _MAX_SIZE])
def test_long_messages_come_in_pieces_between_short_ones(side: Side, length: int) -> None:
    messages = [b"before", bytes(length), b"after"]
    data = b"".join(data_frame(message, is_masked=side is SERVER) for message in messages)
    pieces = [data[start : start + 50_000] for start in range(0, len(data), 50_000)]
    assert read_by_us(side, pieces).messages == messages


def test_a_header_that_is_cut_does_not_shift_what_follows() -> None:
    looks_like_a_frame = b"\0\x82\x01A"
    ping = serialized(Frame(Opcode.PING, b"?"), CLIENT)
    message = data_frame(looks_like_a_frame, is_masked=False)
    read = read_by_us(CLIENT, [ping[:1], ping[1:] + message])
    assert read.messages == [looks_like_a_frame]


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_a_mask_on_the_wrong_side_breaks_the_protocol(side: Side) -> None:
    data = data_frame(b"secret", is_masked=side is CLIENT) + bytes(300)
    read = read_by_us(side, [data])
    assert read == read_by_library(side, data)
    assert not read.messages
    assert read.state is State.CLOSING


def test_a_message_that_says_it_is_too_long_ends_the_connection() -> None:
    ours = protocol(CLIENT)
    FrameReader(ours, print, print).receive(data_frame(bytes(_MAX_SIZE + 1), is_masked=False)[:10])
    assert ours.close_expected()


@given(SIDES, st.one_of(payloads, long_payloads, st.text(max_size=300)))
def test_the_library_reads_the_frames_that_are_sent(side: Side, message: bytes | str) -> None:
    reader = protocol(SERVER if side is CLIENT else CLIENT)
    reader.receive_data(data_frame(message, is_masked=side is CLIENT))
    (frame,) = reader.events_received()
    assert isinstance(frame, Frame)
    assert frame.fin
    if isinstance(message, str):
        assert (frame.opcode, bytes(frame.data).decode()) == (Opcode.TEXT, message)
    else:
        assert (frame.opcode, frame.data) == (Opcode.BINARY, message)


def test_every_frame_has_a_mask_of_its_own() -> None:
    masks = {data_frame(b"\0" * 8, is_masked=True)[2:6] for _ in range(1000)}
    # Of a thousand numbers of 32 bits, hardly ever two are the same.
    assert len(masks) > 990
