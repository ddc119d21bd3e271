"""Finds the examples and their speech, in a checkout or in an installed package."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path

from trio_calls.audio._recording import read_recording
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


def load_speech(name: str, sample_rate: int = SAMPLE_RATE) -> bytes:
    """Load one of the examples' speech files, resampled where another rate than its own is asked.

    Args:
      name: the file's, without its suffix.
      sample_rate: the rate of what is returned, in Hz.

    Raises:
      ModuleNotFoundError: it has to be resampled, and soxr is not installed.
    """
    path = examples_folder() / "speech" / f"{name}.wav"
    return read_recording(path).to_pcm(sample_rate)
