"""The options that make a conversation, and how long its caller stays."""

import wave
from pathlib import Path

import numpy as np
import pytest

from trio_calls import cli
from trio_calls.audio import noise, write_wav
from trio_calls.audio._recording import Recording
from trio_calls.cli.conversation import ConversationCommand, Speech, SpokenLine, spoken_lines
from trio_calls.cli.dial import dial
from trio_calls.cli.patience import Patience


@pytest.fixture(autouse=True)
def four_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate("abcd"):
        write_wav(f"{name}.wav", noise(0.1, 8000, seed), 8000)


def conversation(arguments: str) -> list[tuple[str, float, bool]]:
    """The lines that a command line comes to: file, seconds, and whether it must be silent."""
    assert isinstance(dial, ConversationCommand)
    context = dial.make_context("dial", arguments.split())
    options = {name: context.params[name] for name in ("say", "then", "after_silence")}
    return [
        (line.speech.name, line.wait_seconds, line.for_silence)
        for line in spoken_lines(context, **options)
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", []),
        ("--say a.wav", [("a.wav", 0, False)]),
        ("--say a.wav --then 3s b.wav", [("a.wav", 0, False), ("b.wav", 3, False)]),
        ("--after-silence 1.5 b.wav", [("b.wav", 1.5, True)]),
        (
            "--say=a.wav --after-silence 2s b.wav --calls 3 --then=0.5 c.wav --say d.wav",
            [
                ("a.wav", 0, False),
                ("b.wav", 2, True),
                ("c.wav", 0.5, False),
                ("d.wav", 0, False),
            ],
        ),
        (
            "--say a.wav --then 3 --say b.wav --after-silence 1s --say=c.wav",
            [("a.wav", 0, False), ("b.wav", 3, False), ("c.wav", 1, True)],
        ),
        ("--say a.wav --say a.wav", [("a.wav", 0, False)] * 2),
    ],
)
def test_the_order_of_the_command_line_counts(
    arguments: str, expected: list[tuple[str, float, bool]]
) -> None:
    assert conversation(arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        ("--then 3s b.wav", 2, "--then is for what comes after something: begin with --say"),
        ("--then 3s b.wav --say a.wav", 2, "begin with --say or --after-silence"),
        ("--say a.wav --then b.wav 3s", 2, "'b.wav' is no number of seconds, like 3 or 1.5s"),
        ("--say a.wav --then -1 b.wav", 2, "'-1' is no number of seconds"),
        ("--say a.wav --then -0.5s b.wav", 2, "'-0.5s' is no number of seconds"),
        ("--say a.wav --then nans b.wav", 2, "'nans' is no number of seconds"),
        ("--say a.wav --then 3s", 2, "'--then' requires 2 arguments"),
        ("--say a.wav --then 3s --record", 2, "--record stands where a WAV file must be"),
        ("--after-silence soon a.wav", 2, "'soon' is no number of seconds"),
        ("--say", 2, "'--say' requires an argument"),
        ("--say e.wav", 1, "e.wav: No such file or directory"),
        ("--say a.wav --then 3s e.wav", 1, "e.wav: No such file or directory"),
        ("--after-silence 3s .", 1, ".: Is a directory"),
        ("--after-silence 3s text.wav", 1, "text.wav is not a WAV file"),
        ("--say a.wav --callee-say e.wav", 1, "e.wav: No such file or directory"),
    ],
)
@pytest.mark.parametrize("command", [["dial"], ["run", "agent.py", "--simulate"]])
def test_what_makes_no_sense(
    command: list[str],
    arguments: str,
    status: int,
    complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("text.wav").write_text("this is no WAV file")
    assert cli.main([*command, *arguments.split()]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert complaint in printed.err.splitlines()[-1]


def lines(*waits: float) -> list[SpokenLine]:
    """Lines of 2 s each, before which the caller waits for so long."""
    speech = Speech("a.wav", Recording(np.zeros(2000), 1000))
    return [SpokenLine(speech, wait) for wait in waits]


def test_a_caller_who_is_not_answered_gives_up() -> None:
    assert Patience(100, 30, None, lines(1)).ends_at == 130


@pytest.mark.parametrize(("talk_seconds", "expected"), [(None, 115), (4, 109), (0, 105)])
def test_a_caller_without_a_word_stays_as_long_as_it_shall(
    talk_seconds: float | None, expected: float
) -> None:
    patience = Patience(100, 30, talk_seconds, [])
    patience.answered(105)
    assert patience.ends_at == expected


def test_a_caller_stays_to_say_everything_and_to_hear_more() -> None:
    patience = Patience(100, 30, None, lines(0, 90))
    patience.answered(105)
    assert patience.ends_at == 105 + 60
    patience.begins(1, 105)
    assert patience.ends_at == 105 + 2 + 60
    patience.has_said(1, 107)
    assert patience.ends_at == 107 + 90 + 60
    patience.begins(2, 197)
    patience.has_said(2, 199)
    assert patience.ends_at == 199 + 10


def test_a_short_word_is_no_reason_to_leave_early() -> None:
    patience = Patience(100, 30, None, lines(0))
    patience.begins(1, 105)
    patience.answered(106)
    patience.has_said(1, 105)
    assert patience.ends_at == 105 + 10


def test_who_is_told_when_to_hang_up_does() -> None:
    patience = Patience(100, 30, 3, lines(0, 90))
    patience.answered(105)
    for number in (1, 2):
        patience.begins(number, 106)
        patience.has_said(number, 107)
    assert patience.ends_at == 108


def test_lines_that_nobody_has_are_nothing() -> None:
    patience = Patience(100, 30, None, [])
    patience.begins(7, 105)
    patience.has_said(7, 105)
    assert patience.ends_at == 115


def test_the_length_of_a_speech_is_that_of_its_file(tmp_path: Path) -> None:
    with wave.open("long.wav", "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(11025)
        writer.writeframes(bytes(4 * 11025 * 3))
    context = dial.make_context("dial", ["--say", "long.wav"])
    (line,) = spoken_lines(context, context.params["say"], [], [])
    assert line.speech.seconds == 3
