"""The properties of `make fuzz`, over some hundreds of inputs, without atheris."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import audio_frames, call_protocol, codec, documents
from fuzz.__main__ import TARGETS as NAMES
from fuzz.__main__ import replay, write_corpus, write_words
from tests.support import damage
from trio_calls.wire.call_protocol import CallProtocol
from trio_calls.wire.codec import WireError
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import OutgoingAudio
from trio_calls.wire.responses import SetupDone
from trio_calls.wire.second.audio_credit import AudioCredit
from trio_calls.wire.second.hand_over import HandOverDocument as SecondDocument

pytestmark = pytest.mark.slow

TARGETS = [codec, documents, call_protocol, audio_frames]


def damaged(target: ModuleType) -> st.SearchStrategy[bytes]:
    """Return seeds of a target, damaged."""
    return damage.damaged(target.seeds(), target.words())


def check_seeds(target: ModuleType) -> None:
    for seed in target.seeds():
        target.check(seed)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_real_frames_have_the_properties(target: ModuleType) -> None:
    check_seeds(target)


@settings(max_examples=300)
@given(damaged(codec))
def test_damaged_frames_have_the_properties(data: bytes) -> None:
    codec.check(data)


@given(st.binary(max_size=200))
def test_any_bytes_have_the_properties(data: bytes) -> None:
    codec.check(data)
    documents.check(data)
    call_protocol.check(data)
    audio_frames.check(data)


@settings(max_examples=200)
@given(damaged(documents))
def test_damaged_documents_have_the_properties(data: bytes) -> None:
    documents.check(data)


@given(damaged(audio_frames))
def test_damaged_audio_has_the_properties(data: bytes) -> None:
    audio_frames.check(data)


@settings(max_examples=200)
@given(damaged(call_protocol))
def test_damaged_scripts_have_the_properties(data: bytes) -> None:
    call_protocol.check(data)


def test_an_error_that_quotes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(frame: str) -> SetupDone:
        raise WireError(f"what is {frame}?")

    monkeypatch.setattr(codec, "_DECODERS", (decode,))
    with pytest.raises(AssertionError, match="documented"):
        codec.check(b"{}")


def test_coercion_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_DECODERS", (lambda frame: SetupDone("7"),))
    codec.check(b'{"type":"setup.done","smWsId":"7"}')
    with pytest.raises(AssertionError, match="was said"):
        codec.check(b'{"type":"setup.done","smWsId":7}')


def test_credit_that_is_misread_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    careless = re.compile(r'.*"drained_ms":(\d+),"window_ms":(\d+).*').fullmatch
    monkeypatch.setattr("trio_calls.wire.second.codec.match_usual_flow", careless)
    with pytest.raises(AssertionError, match="misread"):
        codec.check(b'{"type":"flow","data":{"track_id":1,"drained_ms":0,"window_ms":60}}')


def test_audio_beyond_what_was_allowed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    update = AudioCredit.update

    def update_generously(
        self: AudioCredit, drained_ms: int, window_ms: int, *rest: int
    ) -> Credit | None:
        return update(self, drained_ms, window_ms + 1, *rest)

    monkeypatch.setattr(AudioCredit, "update", update_generously)
    with pytest.raises(AssertionError):
        check_seeds(call_protocol)


def test_a_refusal_that_quotes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(text: str) -> SecondDocument:
        raise WireError(f"what is {text}?")

    monkeypatch.setattr("trio_calls.call.hand_over.decode_hand_over", decode)
    with pytest.raises(AssertionError, match="documented"):
        documents.check(b"{}")


def test_audio_that_means_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trio_calls.wire.second.audio_frame._RESERVED", 0)
    with pytest.raises(AssertionError):
        check_seeds(audio_frames)


def test_a_silence_of_weeks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.audio_frames.MAX_SILENCE_MS", 1000)
    with pytest.raises(AssertionError):
        check_seeds(audio_frames)


@pytest.mark.parametrize("bound", ["MAX_OPEN_REQUESTS", "MAX_UNANSWERED_COMMANDS"])
def test_growth_is_found(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (CallProtocol.__module__, OutgoingAudio.__module__):
        monkeypatch.setattr(f"{module}.{bound}", 10**6, raising=False)
    with pytest.raises(AssertionError):
        check_seeds(call_protocol)


def test_what_is_lost_in_pieces_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    put = OutgoingAudio.put

    def put_long_pieces(self: OutgoingAudio, pcm: bytes) -> None:
        put(self, pcm.ljust(100, b"\0"))

    monkeypatch.setattr(OutgoingAudio, "put", put_long_pieces)
    with pytest.raises(AssertionError):
        check_seeds(call_protocol)


@pytest.mark.parametrize("name", NAMES)
def test_a_search_begins_with_files_that_can_be_replayed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fuzz.__main__.FOLDER", tmp_path)
    (target,) = (target for target in TARGETS if target.__name__ == f"fuzz.{name}")
    files = sorted(write_corpus(name, target).iterdir())
    assert [file.read_bytes() for file in files] == target.seeds()
    assert len(write_words(name, target).read_text().splitlines()) == len(target.words())
    replay(name, files)
    assert capsys.readouterr().out.count("nothing is amiss") == len(files)
