"""The options that stand in for variables of the environment: the sample rate, and the wire.

They are put into the environment: the file that is served may read the variable, and workers
inherit it. So all agree.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.cli.outcome import Failure, sentence_of
from trio_calls.config import ClientConfig, WireName
from trio_calls.demo.settings import simulated_settings
from trio_calls.errors import WSSConfigError

CommandT = TypeVar("CommandT", bound=Callable[..., object])


def sample_rate_option(explanation: str) -> Callable[[CommandT], CommandT]:
    """Make ``--sample-rate``, which the command finds in ``WSS_SAMPLE_RATE``."""
    return _standing_in("WSS_SAMPLE_RATE", [str(rate) for rate in SAMPLE_RATES], explanation)


def wire_option(explanation: str) -> Callable[[CommandT], CommandT]:
    """Make ``--wire``, which the command finds in ``WSS_WIRE``."""
    return _standing_in("WSS_WIRE", get_args(WireName), explanation)


def _standing_in(
    variable: str, choices: tuple[str, ...] | list[str], explanation: str
) -> Callable[[CommandT], CommandT]:
    def put(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None:
            os.environ[variable] = value

    name = "--" + variable.removeprefix("WSS_").lower().replace("_", "-")
    return click.option(
        name, type=click.Choice(choices), callback=put, expose_value=False, help=explanation
    )


def settings_of_simulation() -> ClientConfig:
    """Return the sample rate and the wire of the options, or else of the environment.

    Raises:
      Failure: one of them makes no sense.
    """
    try:
        return simulated_settings()
    except WSSConfigError as error:
        raise Failure(sentence_of(error)) from None
