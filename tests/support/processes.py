"""Runs `trio-calls` as a process of its own, with pipes or in a terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from trio_calls import ClientConfig

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "trio_calls")
LINES, COLUMNS = 30, 100

#: For a machine that is busy with other things: nothing here takes more than a few seconds.
PATIENCE_SECONDS = 25

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def settings_of(config: ClientConfig) -> dict[str, str]:
    """Return the variables with which `ClientConfig.from_env` reaches the same exchange."""
    assert config.api_key is not None
    assert config.connector_uuid is not None
    return {
        "WSS_API_KEY": config.api_key,
        "WSS_CONNECTOR_UUID": config.connector_uuid,
        "WSS_BASE_URL": config.base_url,
        "WSS_WIRE": config.wire,
    }


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, without settings of its own, and with these."""
    # pytest-xdist tells its workers a width, which is not that of our terminals.
    dropped = ("WSS_", "COLUMNS", "LINES")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**inherited, "PYTHONPATH": str(CHECKOUT), "TERM": "xterm-256color", **variables}


class RunningCommand:
    """A `trio-calls` that runs.

    Attributes:
      output: what it has printed so far, without a terminal's escape sequences.
      pieces: the same as it was read; a write each, if they are kept apart.
    """

    def __init__(self, process: trio.Process, stream: trio.abc.ReceiveStream) -> None:
        self._process = process
        self._stream = stream
        self.pieces: list[bytes] = []

    @property
    def output(self) -> str:
        return _ESCAPE.sub("", b"".join(self.pieces).decode(errors="replace"))

    async def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until something was printed."""
        match = None
        with trio.move_on_after(PATIENCE_SECONDS):
            while (match := re.search(pattern, self.output)) is None:
                chunk = await self._receive()
                if not chunk:
                    break
                self.pieces.append(chunk)
        assert match, f"it did not print {pattern!r}:\n{self.output}"
        return match

    async def press(self, keys: str) -> None:
        """Press keys at its terminal."""
        assert isinstance(self._stream, trio.lowlevel.FdStream)
        await self._stream.send_all(keys.encode())

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def stop_reading(self) -> None:
        """Close this end of its output: whatever it prints is an error from now on."""
        await self._stream.aclose()

    async def wait_status(self) -> int:
        """Wait until it has ended, and return its exit status."""
        with trio.fail_after(PATIENCE_SECONDS):
            while chunk := await self._receive():
                self.pieces.append(chunk)
            status = await self._process.wait()
        assert "Traceback" not in self.output
        return status

    async def _receive(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(65536))
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            return b""  # how Linux says that nobody is at the terminal's other end


@asynccontextmanager
async def running(
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    terminal: bool = False,
    writes_apart: bool = False,
    program: Sequence[str] = COMMAND,
) -> AsyncIterator[RunningCommand]:
    """Run a command, or another program, for as long as the block takes."""
    if terminal:
        ours, its = _open_terminal()
    else:
        ours, its = os.pipe2(os.O_CLOEXEC | os.O_DIRECT) if writes_apart else os.pipe()
    try:
        process = await trio.lowlevel.open_process(
            [*program, *arguments],
            cwd=CHECKOUT,
            env=environment(variables or {}),
            stdin=its if terminal else subprocess.DEVNULL,
            stdout=its,
            stderr=its,
        )
    finally:
        os.close(its)
    async with trio.lowlevel.FdStream(ours) as stream:
        try:
            yield (command := RunningCommand(process, stream))
        finally:
            process.kill()
            # For the report of a test that fails, and for the search for secrets.
            print(command.output)
            with trio.CancelScope(shield=True):
                await process.wait()


def _open_terminal() -> tuple[int, int]:
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (LINES, COLUMNS))
    return ours, its


@asynccontextmanager
async def running_simulator(
    *arguments: str,
) -> AsyncIterator[tuple[RunningCommand, dict[str, str]]]:
    """Run a simulator on a free port, with what it says an agent has to export."""
    async with running("simulator", "--port", "0", *arguments) as simulator:
        export = await simulator.wait_for(r"export (WSS_.*)\n")
        yield simulator, dict(setting.split("=", 1) for setting in export[1].split())


async def finished(
    *arguments: str, variables: Mapping[str, str] | None = None, terminal: bool = False
) -> tuple[int, str]:
    """Run a command to its end: exit status, and all that it printed."""
    async with running(*arguments, variables=variables, terminal=terminal) as command:
        status = await command.wait_status()
        return status, command.output


#: What `sections` tells apart.
_MARK = "= = ="


def one_after_another(*commands: Sequence[str]) -> tuple[str, ...]:
    """Make the program that runs these commands in one process: to start one takes long."""
    lines = [f"print({_MARK!r}, flush=True); cli.main({list(command)!r})" for command in commands]
    return (sys.executable, "-c", "\n".join(["from trio_calls import cli", *lines]))


def sections(output: str) -> list[str]:
    """Return what each of them has printed."""
    return output.replace("\r", "").split(f"{_MARK}\n")[1:]
