from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.audio import level_dbfs, noise, read_wav, write_wav

SPEECH = sorted((Path(__file__).parents[2] / "examples" / "speech").glob("*.wav"))


@pytest.mark.parametrize("sample_rate", [8000, 16000, 24000])
def test_audio_survives_a_round_trip(tmp_path: Path, sample_rate: int) -> None:
    pcm = noise(0.1, sample_rate, seed=1)
    write_wav(tmp_path / "noise.wav", pcm, sample_rate)
    assert read_wav(tmp_path / "noise.wav", sample_rate) == pcm


def test_a_file_without_audio_is_refused(tmp_path: Path) -> None:
    write_wav(str(tmp_path / "empty.wav"), b"", 24000)
    with pytest.raises(ValueError, match=r"empty\.wav holds no audio"):
        read_wav(str(tmp_path / "empty.wav"), 24000)


def test_writing_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "audio.wav"
    write_wav(path, bytes(1000), 24000)
    write_wav(path, b"\x01\x02", 24000)
    assert read_wav(path, 24000) == b"\x01\x02"


def test_half_a_sample_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    with pytest.raises(ValueError, match="3 bytes"):
        write_wav(path, b"abc", 24000)
    assert not path.exists()


@given(st.binary(max_size=60))
def test_a_file_of_anything_raises_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.wav"
    path.write_bytes(b"RIFF\x00\x01\x00\x00WAVE" + content)
    with pytest.raises(ValueError, match=r"anything\.wav"):
        read_wav(path, 24000)


@given(st.data())
def test_a_cut_file_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.wav"
    write_wav(path, bytes(100), 24000)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(ValueError, match=r"cut\.wav"):
        read_wav(path, 24000)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_wav(tmp_path / "nowhere.wav", 24000)
    with pytest.raises(FileNotFoundError):
        write_wav(tmp_path / "nowhere" / "audio.wav", b"", 24000)


def test_the_speech_of_the_examples_is_there() -> None:
    assert len(SPEECH) == 8


@pytest.mark.parametrize("path", SPEECH, ids=lambda path: path.stem)
def test_the_speech_of_the_examples_is_audible(path: Path) -> None:
    pcm = read_wav(path, 24000)
    assert 1.0 < len(pcm) / 48000 < 4.0
    assert level_dbfs(pcm) > -30
