"""Parses the values of options. A value that makes no sense is a usage error, exit status 2."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final

import click

from trio_calls.audio._recording import Recording, read_recording
from trio_calls.audio._resampling import is_convertible
from trio_calls.cli.outcome import Failure, sentence_of
from trio_calls.telemetry._monitor import parse_address
from trio_calls.wire.dialing import PickupKind

_DEFAULT_PICKUP_SECONDS: Final = 2.0
_LONGEST_NUMBER: Final = 512
_LONGEST_SECONDS: Final = 86400.0


def pickup(text: str) -> tuple[PickupKind, float]:
    """Parse what a callee does, and after how many seconds: ``answers:3``."""
    match = re.fullmatch(r"(answers|declines|never)(?::(\d{1,4}(?:\.\d{1,3})?))?", text)
    if match is None or (match[1] == PickupKind.NEVER and match[2] is not None):
        raise click.BadParameter(
            f"{text!r} is none of answers, answers:SECONDS, declines, declines:SECONDS, never"
        )
    return PickupKind(match[1]), float(match[2] or _DEFAULT_PICKUP_SECONDS)


def rate(text: str) -> float:
    """Parse a rate, and return it in calls a second: ``5/s``, or ``300/m`` for calls a minute."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(?:/([sm]))?", text)
    calls_a_second = 0.0 if match is None else float(match[1]) / (60 if match[2] == "m" else 1)
    if calls_a_second <= 0:
        raise click.BadParameter(f"{text!r} is no rate: use 5/s, or 300/m for calls a minute")
    return calls_a_second


def seconds(text: str | float) -> float:
    """Parse a number of seconds, up to a day: ``3``, or ``1.5s``."""
    try:
        number = float(str(text).removesuffix("s"))
    except ValueError:
        number = math.nan
    if not 0 <= number <= _LONGEST_SECONDS:
        raise click.BadParameter(
            f"{text!r} is no number of seconds, like 3 or 1.5s, from 0 to {_LONGEST_SECONDS:g}"
        )
    return number


def telephone_number(text: str) -> str:
    """Check a telephone number, which may have any form."""
    if not text or len(text) > _LONGEST_NUMBER or not text.isprintable():
        raise click.BadParameter(f"a number is 1 to {_LONGEST_NUMBER} printable characters")
    return text


def simulator_url(text: str) -> str:
    """Check the address of a simulator."""
    if not text.startswith(("ws://", "wss://")):
        raise click.BadParameter(f"{text!r} does not look like ws://host:port")
    return text


def host_and_port(text: str) -> str:
    """Check an address to serve on: ``127.0.0.1:9090``, or ``[::1]:9090``."""
    try:
        parse_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return text


def recording(path: str) -> Recording:
    """Read a WAV file.

    Raises:
      Failure: the file cannot be read, or not be resampled.
    """
    try:
        content = read_recording(path)
    except ValueError as error:
        raise Failure(sentence_of(error)) from None
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}") from None
    if not is_convertible(content.sample_rate):
        raise Failure(f"{path} is at {content.sample_rate} Hz, which cannot be resampled")
    return content


def file_to_write(path: str) -> Path:
    """Check that there is a folder for a file.

    Raises:
      Failure: there is none, or a folder has the file's name.
    """
    file = Path(path)
    if not file.parent.is_dir():
        raise Failure(f"cannot write {file}: there is no folder {file.parent}")
    if file.is_dir():
        raise Failure(f"cannot write {file}: it is a folder")
    return file
