"""What is asked of a simulated exchange: in the environment, or on a script's command line."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final, get_args

from trio_calls.config import ClientConfig, WireName
from trio_calls.errors import WSSConfigError

_SIMULATED: Final = dict.fromkeys(("WSS_API_KEY", "WSS_CONNECTOR_UUID"), "simulated")
_VARIABLES: Final = ("WSS_SAMPLE_RATE", "WSS_WIRE")


def simulated_settings() -> ClientConfig:
    """Return the sample rate and the wire of the environment, checked as with the other settings.

    Raises:
      WSSConfigError: one of them makes no sense; the message names the variable.
    """
    said = {name: os.environ.get(name, "") for name in _VARIABLES}
    return ClientConfig.from_env({**_SIMULATED, **said})


def chosen_wire() -> WireName:
    """Return the wire that a script's ``--wire`` asks for, or else ``WSS_WIRE``.

    Raises:
      SystemExit: there is no such wire; the sentence names the option, or the variable.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--wire", choices=get_args(WireName))
    wire: WireName | None = parser.parse_known_args()[0].wire
    try:
        return wire or simulated_settings().wire
    except WSSConfigError as error:
        sys.exit(str(error))
