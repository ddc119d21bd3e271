"""WAV files byte by byte, as programs and services write them."""

import struct

UNKNOWN_LENGTH = 0xFFFFFFFF
GUID_TAIL = bytes.fromhex("0000000010008000 00aa00389b71")


def chunk(name: bytes, body: bytes, *, size: int | None = None, pad: bytes = b"\0") -> bytes:
    """Return a chunk, which may lie about its size and be padded in another way."""
    size = len(body) if size is None else size
    return struct.pack("<4sI", name, size) + body + pad * (len(body) % 2)


def fmt(
    *,
    coding: int = 1,
    channels: int = 1,
    rate: int = 24000,
    bits: int = 16,
    block: int | None = None,
    more: bytes = b"",
) -> bytes:
    """Return the description of the audio, without the head of its chunk."""
    block = channels * -(-bits // 8) if block is None else block
    return struct.pack("<HHIIHH", coding, channels, rate, rate * block, block, bits) + more


def extensible(
    *,
    coding: int = 1,
    channels: int = 1,
    rate: int = 24000,
    bits: int = 16,
    valid_bits: int | None = None,
    tail: bytes = GUID_TAIL,
) -> bytes:
    """Return the same with a WAVE_FORMAT_EXTENSIBLE header."""
    valid = bits if valid_bits is None else valid_bits
    more = struct.pack("<HHIH", 22, valid, 0, coding) + tail
    return fmt(coding=0xFFFE, channels=channels, rate=rate, bits=bits, more=more)


def riff(*chunks: bytes, kind: bytes = b"RIFF", size: int | None = None) -> bytes:
    """Return a file of chunks."""
    body = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", kind, len(body) if size is None else size) + body


def plain(data: bytes, header: bytes | None = None, *, size: int | None = None) -> bytes:
    """Return a file of a header and data, whose announced size may be another."""
    return riff(chunk(b"fmt ", header or fmt()), chunk(b"data", data, size=size))
