"""A real redis-server of a test's own, which keeps nothing on disk."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import trio

from tests.support.requirements import do_without

#: Valkey's server takes the same options.
NAMES: Final = ("redis-server", "valkey-server")
HOST: Final = "127.0.0.1"
#: What a busy machine may take to start one.
START_SECONDS: Final = 15
#: A port that is free may be taken before the server has it.
ATTEMPTS: Final = 5

_READY: Final = b"Ready to accept connections"


def find_redis_server() -> str | None:
    """Return where redis-server is, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class RedisServer:
    """A redis-server, which may be paused, killed and started again on the same port.

    Args:
      executable: where the program is.
      folder: where it runs.
      options: more of its options, such as ``--requirepass``.

    Attributes:
      port: the port that it listens on, once it is started.
    """

    def __init__(self, executable: str, folder: Path, *options: str) -> None:
        self.port = 0
        self._executable = executable
        self._folder = folder
        self._options = options
        self._process: trio.Process | None = None

    @property
    def url(self) -> str:
        """The address of its database 0, without a password."""
        return f"redis://{HOST}:{self.port}/0"

    async def start(self) -> None:
        """Start it, with nothing in it; return when it accepts connections."""
        ports = [self.port] if self.port else [free_port() for _ in range(ATTEMPTS)]
        with trio.fail_after(START_SECONDS):
            for port in ports:
                self.port = port
                if await self._start():
                    return
        raise RuntimeError(f"{self._executable} does not start")

    async def _start(self) -> bool:
        process = await trio.lowlevel.open_process(
            [
                self._executable,
                *("--bind", HOST, "--port", str(self.port)),
                *("--save", "", "--appendonly", "no"),
                *self._options,
            ],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._process = process
        # Of what it says later there is little: nobody has to read it.
        assert process.stdout is not None
        said = b""
        while said_now := await process.stdout.receive_some():
            said += said_now
            if _READY in said:
                return True
        await self.kill()
        return False

    def pause(self) -> None:
        """Stop it in its tracks: it keeps its connections, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        """End it at once, as a machine does that loses its power."""
        if self._process is not None:
            process, self._process = self._process, None
            with trio.CancelScope(shield=True):
                process.kill()
                await process.wait()
                if process.stdout is not None:
                    await process.stdout.aclose()

    async def restart(self) -> None:
        """End it at once, and start it with nothing in it."""
        await self.kill()
        await self.start()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


def free_port() -> int:
    """Return a port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def open_redis_server(*options: str) -> AsyncIterator[RedisServer]:
    """Run a redis-server for the duration of the block; skip the test where there is none.

    Args:
      options: more of its options, such as ``--requirepass``.
    """
    executable = find_redis_server()
    if executable is None:
        do_without("redis", "without redis-server: install it from the system's packages")
    make_folder = partial(tempfile.TemporaryDirectory, prefix="trio-calls-redis-")
    with make_folder() as folder:
        server = RedisServer(executable, Path(folder), *options)
        try:
            await server.start()
            yield server
        finally:
            await server.kill()
