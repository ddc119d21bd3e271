"""The environment of pipecat, which needs other packages than this project, and other versions."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path
from typing import Final

VERSION: Final = "1.14.0"

_FOLDER: Final = Path(__file__).parents[2] / "build" / f"pipecat-{VERSION}"
#: What pipecat's own runner serves WebSockets with, as that does.
_PACKAGES: Final = (f"pipecat-ai[websocket,silero]=={VERSION}", "uvicorn>=0.32,<1")


def pipecat_python(folder: Path = _FOLDER) -> Path:
    """Return the Python that has pipecat. Installs it from PyPI the first time.

    Raises:
      CalledProcessError: it could not be installed.
    """
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if not complete.exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *_PACKAGES], check=True)
        complete.touch()
    return python
