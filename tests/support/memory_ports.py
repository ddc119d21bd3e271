"""Ports of this machine over memory streams: whoever waits on them waits in virtual time only.

What is written for sockets then needs no real time for bytes to arrive, and no room for a machine
that is busy with other things. A folder or file of such tests has ``memory_ports`` as a fixture.
"""

from __future__ import annotations

import errno
import functools
import itertools
import math
from types import SimpleNamespace
from typing import Final

import pytest
import trio
import trio.testing

from trio_calls.simulator._in_process import stream_pair

__all__ = ["in_virtual_time", "memory_ports"]

_FIRST_PORT: Final = 40_000


class _Listener(trio.abc.Listener[trio.abc.Stream]):
    """Accepts what is connected to its port.

    Attributes:
      socket: what is asked of that of a `trio.SocketListener`.
    """

    def __init__(self, ports: dict[int, _Listener], port: int) -> None:
        self._ports = ports
        self._port = port
        self._came = trio.open_memory_channel[trio.abc.Stream](math.inf)
        self.socket = SimpleNamespace(getsockname=lambda: ("127.0.0.1", port))
        ports[port] = self

    def connect(self) -> trio.abc.Stream:
        here, there = stream_pair()
        self._came[0].send_nowait(there)
        return here

    async def accept(self) -> trio.abc.Stream:
        return await self._came[1].receive()

    async def aclose(self) -> None:
        self._ports.pop(self._port, None)
        await trio.lowlevel.checkpoint()


@pytest.fixture
def memory_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `trio.open_tcp_listeners` and `trio.open_tcp_stream` open no sockets."""
    ports: dict[int, _Listener] = {}
    numbers = itertools.count(_FIRST_PORT)

    async def open_tcp_listeners(port: int, **options: object) -> list[_Listener]:
        assert port == 0, "a port of one's own is for tests with sockets"
        await trio.lowlevel.checkpoint()
        return [_Listener(ports, next(numbers))]

    async def open_tcp_stream(host: str, port: int, **options: object) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        if port not in ports:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        return ports[port].connect()

    monkeypatch.setattr(trio, "open_tcp_listeners", open_tcp_listeners)
    monkeypatch.setattr(trio, "open_tcp_stream", open_tcp_stream)


@pytest.fixture
def in_virtual_time(memory_ports: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `trio.run` run in virtual time, on ports in memory."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    monkeypatch.setattr(trio, "run", functools.partial(trio.run, clock=clock))
