"""A thousand clients that lose the exchange at once do not come back at once."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import attrs
import pytest
import trio

from trio_calls import ClientConfig
from trio_calls.client.control_connection import ControlConnection
from trio_calls.transport import HostUnreachable, WebSocketClosed
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.codec import encode
from trio_calls.wire.control_wire import News
from trio_calls.wire.first.control_wire import FirstControl
from trio_calls.wire.names import CONTROL_PATH
from trio_calls.wire.responses import SetupDone

# No byte passes a transport here.
pytestmark = [pytest.mark.pure, pytest.mark.slow]

CLIENTS = 1000
CONFIG = ClientConfig.sandbox(api_key="key", connector_uuid="uuid", base_url="ws://exchange")


class Exchange:
    """An exchange without bytes: it is up or down.

    Attributes:
      standing: how many connections there are.
      attempts: when each client tried to connect, since the exchange went down, by client.
    """

    def __init__(self) -> None:
        self.standing = 0
        self.attempts: list[list[float]] = []
        self._is_up = True
        self._went_down = trio.Event()

    def go_down(self) -> None:
        self._is_up = False
        self.attempts = [[] for _ in range(CLIENTS)]
        self._went_down.set()
        self._went_down = trio.Event()

    def come_back(self) -> None:
        self._is_up = True

    async def connect(self, number: int) -> LightWebSocket:
        await trio.lowlevel.checkpoint()
        if self.attempts:
            self.attempts[number].append(trio.current_time())
        if not self._is_up:
            raise HostUnreachable("down")
        self.standing += 1
        return LightWebSocket(self, self._went_down)


class LightWebSocket:
    """What a control connection needs of one: the setup is done, and then nothing comes."""

    def __init__(self, exchange: Exchange, lost: trio.Event) -> None:
        self._exchange = exchange
        self._lost = lost
        self._to_receive: list[str] = [encode(SetupDone("connection"))]

    async def receive_batch(self) -> list[str]:
        if not self._to_receive:
            await self._lost.wait()
            raise WebSocketClosed
        batch, self._to_receive = self._to_receive, []
        await trio.lowlevel.checkpoint()
        return batch

    async def send(self, *messages: object) -> None:
        await trio.lowlevel.checkpoint()

    ping = send

    async def aclose(self) -> None:
        self._exchange.standing -= 1
        await trio.lowlevel.checkpoint()


class Nobody:
    """Listens to nothing."""

    def control_received(self, news: News) -> None: ...

    def control_connected(self) -> None: ...

    def control_lost(self) -> None: ...


@pytest.fixture
async def exchange(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exchange]:
    """An exchange with a thousand clients that are connected to it."""
    exchange = Exchange()
    number_of_client: dict[str, int] = {}

    async def connect(nursery: trio.Nursery, url: str, **options: Any) -> LightWebSocket:
        return await exchange.connect(number_of_client[url])

    monkeypatch.setattr("trio_calls.client.control_connection.connect_websocket", connect)
    async with trio.open_nursery() as nursery:
        clients = []
        try:
            for number in range(CLIENTS):
                config = attrs.evolve(CONFIG, base_url=f"ws://exchange-{number}")
                number_of_client[config.base_url + CONTROL_PATH] = number
                client = ControlConnection(config, ClientTLS(config), FirstControl(), Nobody())
                clients.append(client)
                await nursery.start(clients[-1].run)
            yield exchange
        finally:
            for client in clients:
                client.stop()


@pytest.fixture(autouse=True)
def fixed_randomness(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    state = random.getstate()
    random.seed(4)
    caplog.set_level(logging.ERROR, "trio_calls")
    yield
    random.setstate(state)


def largest_share(times: list[float], begin: float, end: float) -> float:
    """How many of all came in the busiest tenth of a window."""
    assert all(begin <= time <= end for time in times)
    tenths = Counter(int((time - begin) / (end - begin) * 10) for time in times)
    return max(tenths.values()) / len(times)


async def test_the_first_attempts_spread_over_half_a_second(exchange: Exchange) -> None:
    await trio.sleep(11)  # a connection that has not stood for long is tried again more slowly
    lost_at = trio.current_time()
    exchange.go_down()
    exchange.come_back()
    await trio.sleep(0.5)
    assert exchange.standing == CLIENTS
    assert {len(attempts) for attempts in exchange.attempts} == {1}
    first = [attempts[0] for attempts in exchange.attempts]
    # 0.1 would be even; 0.13 is three standard deviations from it.
    assert largest_share(first, lost_at, lost_at + 0.5) < 0.13


async def test_an_exchange_that_comes_back_is_not_stormed(exchange: Exchange) -> None:
    await trio.sleep(11)
    down_at = trio.current_time()
    exchange.go_down()
    await trio.sleep(25)
    assert exchange.standing == 0
    attempts = [time - down_at for attempts in exchange.attempts for time in attempts]
    a_second = Counter(map(int, attempts))
    # In the long run each client tries once in 5 s, on average.
    assert all(0.7 * CLIENTS / 5 < a_second[second] < 1.3 * CLIENTS / 5 for second in range(17, 25))

    exchange.come_back()
    back_at = trio.current_time()
    await trio.sleep(10)
    assert exchange.standing == CLIENTS
    last = [attempts[-1] for attempts in exchange.attempts]
    # More than 0.1 come at first: who waits long is seldom at the end of the wait.
    assert largest_share(last, back_at, back_at + 10) < 0.25
