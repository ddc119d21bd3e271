"""The search for secrets finds them in every form, and nothing in what is usually said."""

import base64
import itertools

import numpy as np
import pytest
import trustme

from tests.support.leaks import Secrets, find_leaks, forms, lines_of_pem
from trio_calls.audio import noise
from trio_calls.wire.first.media import pack_audio

SECRET = "a-secret-of-this-test"
AUDIO = noise(0.02, 24000, seed=1, amplitude=0.2)
QUIET_AUDIO = noise(0.02, 24000, seed=2, amplitude=0.001)


def leaks(text: str, *secrets: str) -> set[str]:
    names = {form: "the secret" for secret in secrets for form in forms(secret)}
    return find_leaks(text, Secrets(names))


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        f"key={SECRET}!",
        repr({"x-api-key": SECRET.encode()}),
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        *(base64.b64encode(f"{user}:{SECRET}:".encode()).decode() for user in ("a", "ab", "abc")),
    ],
    ids=itertools.count(),  # names of tests are not searched, but seen by others that search
)
def test_a_secret_is_found(shown: str) -> None:
    assert "the secret" in leaks(f"before {shown} after", SECRET)


@pytest.mark.parametrize("audio", [AUDIO, QUIET_AUDIO, pack_audio(0, AUDIO), AUDIO[:40]])
def test_audio_is_found_however_it_is_shown(audio: bytes) -> None:
    samples = np.frombuffer(audio[: len(audio) // 2 * 2], "<i2")
    for shown in (
        repr(audio),
        repr(bytearray(audio)),
        str([audio]),
        audio.hex(),
        audio.hex(" "),
        audio.hex(":").upper(),
        str(list(audio)),
        str(samples.tolist()),
        str(tuple((samples / 32768).tolist())),
        str(samples[:20]),
        repr(samples),
    ):
        assert leaks(f"before {shown} after")
    if len(audio) > 44:
        assert leaks(f"before {base64.b64encode(audio).decode()} after") >= {"data in base64"}


def test_a_private_key_is_found_line_by_line() -> None:
    pem = trustme.CA().issue_cert("agent").private_key_pem.bytes().decode()
    lines = lines_of_pem(pem)
    assert len(lines) == 2
    for shown in (pem, repr(pem), *lines):
        assert "the secret" in leaks(shown, *lines)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "connected to the exchange",
        "a-secret-of-this",
        "call 4bd5602f-d2c3-40ba-9c5d-416fd122bc80: its handler failed; the agent leaves",
        "client-12 received 973 bytes",
        "+65 9111 0000 calls +65 6222 0000 at 2026-11-22 12:30:45",
        "min 0.01, median 0.02, max 0.11",
        "RemoteProtocolError: illegal header b'\\x00\\xff'",
        "x" * 200,
        "levels in dBFS: [-20.1, -20.2, -20.3, -20.4]",
        "trio_calls.simulator.exchange.exchange_call.ExchangeCall.media_connection_lost_and_found",
    ],
)
def test_what_is_usually_said_is_no_leak(text: str) -> None:
    assert leaks(text, SECRET) == set()
