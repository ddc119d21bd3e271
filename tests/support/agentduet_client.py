"""The vendor's newer client, 1.0.0b8, in a process and an environment of its own.

Later versions must not be taken apart, so it is this one that is installed, and no other. It asks
for Python 3.12, and does on 3.11 what it has to do here.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import trio

from tests.support.requirements import do_without
from trio_calls.simulator import Simulator

#: Where `make` installs it.
ENVIRONMENT: Final = Path(
    os.environ.get("TRIO_CALLS_AGENTDUET") or Path(sys.prefix) / "agentduet"
).absolute()

_PROGRAM: Final = Path(__file__).with_name("agentduet_agent.py")

#: Longer than anything takes here, on a machine that is busy with other things.
_PATIENCE_SECONDS: Final = 30


def require_agentduet() -> None:
    """Skip the test where the client is not installed, or fail it if it is required."""
    if not (ENVIRONMENT / "agentduet").is_dir():
        do_without("agentduet", "agentduet 1.0.0b8 is not installed in .venv/agentduet")


class AgentDuet:
    """An application of that client. Opened by `open_agentduet`."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders = process.stdin
        self._answers = process.stdout
        self._received = bytearray()

    async def do(self, what: str, **arguments: Any) -> Any:
        """Let it do something, and return what came of it."""
        order = json.dumps({"do": what, **arguments})
        with trio.fail_after(_PATIENCE_SECONDS):
            await self._orders.send_all(order.encode() + b"\n")
            while b"\n" not in self._received:
                data = await self._answers.receive_some()
                assert data, "the client's process has ended"
                self._received += data
        line, _, self._received = self._received.partition(b"\n")
        answer = json.loads(line)
        assert "error" not in answer, answer["traceback"]
        return answer["result"]

    async def succeed(self, command: str, **arguments: Any) -> Any:
        """Let it do a command of the call, which must succeed. Returns the command's payload."""
        success, error_code, payload = await self.do("command", name=command, **arguments)
        assert success, error_code
        return payload

    async def fail(self, command: str, **arguments: Any) -> Any:
        """Let it do a command of the call, which must fail. Returns the error code."""
        success, error_code, _ = await self.do("command", name=command, **arguments)
        assert not success
        return error_code

    async def say(self, pcm: bytes) -> None:
        """Let it say something into the call."""
        await self.do("say", pcm=base64.b64encode(pcm).decode())

    async def heard(self, track: int = 0) -> bytes:
        """Return what it has heard on a track since it began to listen."""
        return base64.b64decode(await self.do("what_was_heard", track=track))


@asynccontextmanager
async def open_agentduet(
    simulator: Simulator, *, audio_mode: str = "mixed"
) -> AsyncIterator[AgentDuet]:
    """Start the client, connected to a simulator that is served on a port."""
    process = await trio.lowlevel.open_process(
        # Without the packages of the tests' own environment.
        [sys.executable, "-S", "-P", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(ENVIRONMENT), "PATH": os.environ["PATH"]},
    )
    try:
        client = AgentDuet(process)
        settings = {
            "api_key": simulator.config.api_key,
            "connector_uuid": simulator.config.connector_uuid,
            "base_url": simulator.config.base_url,
        }
        version = await client.do(
            "connect",
            settings=settings,
            audio_mode=audio_mode,
            sample_rate=simulator.config.sample_rate,
        )
        assert version == "1.0.0b8"
        yield client
        await client.do("disconnect")
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
