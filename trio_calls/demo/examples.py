"""Finds the examples and their speech, in a checkout or in an installed package."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path

from trio_calls.audio import read_wav
from trio_calls.call.active_call import ActiveCall

SAMPLE_RATE = 24000


def examples_folder() -> Path:
    """Return the folder of the example scripts."""
    package = Path(__file__).parent.parent
    installed = package / "examples"
    return installed if installed.is_dir() else package.parent / "examples"


def load_handler(name: str) -> Callable[[ActiveCall], Awaitable[None]]:
    """Load the ``handle_call`` of an example script."""
    path = examples_folder() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"trio_calls_example_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[ActiveCall], Awaitable[None]] = module.handle_call
    return handler


def load_speech(name: str) -> bytes:
    """Load one of the examples' speech files, at `SAMPLE_RATE`."""
    return read_wav(examples_folder() / "speech" / f"{name}.wav", SAMPLE_RATE)
