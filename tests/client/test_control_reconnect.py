"""A lost control connection is made again: with patience, and never against a final refusal."""

import itertools
import logging
import random
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import API_KEY, SILENCE, Answer, FakeExchange, http
from tests.support.peers.frames import close
from tests.support.transports import on_one_transport
from trio_calls import (
    CallState,
    WSSAuthenticationError,
    WSSConnectionError,
    WSSVersionError,
    open_call_client,
)

pytestmark = pytest.mark.slow

#: The most that is waited before the first, the second, … new attempt.
LONGEST_WAITS = [0.5, 1, 2, 4, 8, 10, 10, 10]


@pytest.fixture(autouse=True)
def fixed_randomness() -> Iterator[None]:
    state = random.getstate()
    random.seed(2)
    yield
    random.setstate(state)


def waits(exchange: FakeExchange) -> list[float]:
    times = [attempt.time for attempt in exchange.attempts]
    return [after - before for before, after in itertools.pairwise(times)]


async def waits_while_down(exchange: FakeExchange) -> list[float]:
    """Loses the connection, and returns how long the client waited before each new attempt."""
    async with open_call_client(exchange.config()):
        exchange.answers.extend([ConnectionRefusedError("down")] * (len(LONGEST_WAITS) - 1))
        await (await exchange.control()).cut()
        await exchange.control()
    return waits(exchange)


@pytest.mark.parametrize("seed", range(8))
async def test_the_waits_grow_from_half_a_second_to_ten(exchange: FakeExchange, seed: int) -> None:
    random.seed(seed)
    for wait, longest in zip(await waits_while_down(exchange), LONGEST_WAITS, strict=True):
        assert 0 <= wait <= longest


async def test_the_waits_have_full_jitter(exchange: FakeExchange) -> None:
    parts = []
    for _ in range(20):
        exchange.attempts.clear()
        measured = zip(await waits_while_down(exchange), LONGEST_WAITS, strict=True)
        parts += [wait / longest for wait, longest in measured]
    assert min(parts) < 0.1
    assert max(parts) > 0.9
    assert 0.4 < sum(parts) / len(parts) < 0.6


async def test_an_exchange_that_drops_connections_is_not_hammered(
    exchange: FakeExchange,
) -> None:
    async with open_call_client(exchange.config()):
        for _ in LONGEST_WAITS:
            await (await exchange.control()).cut()
        await exchange.control()
    assert sum(waits(exchange)[4:]) > 8


async def test_an_exchange_that_fails_slowly_is_not_hammered(
    exchange: FakeExchange,
) -> None:
    # Each attempt is given up after 5 s and 10 s. What comes on top is jitter, which still grows.
    async with open_call_client(exchange.config()):
        control = await exchange.control()
        exchange.delay, exchange.finishes_setup = 5, False
        await control.cut()
        for _ in range(20):
            await (await exchange.control()).over.wait()
    jitter = [wait - 15 for wait in waits(exchange)[5:]]
    assert max(jitter) > 5
    assert all(0 <= wait <= 10 for wait in jitter)


async def test_a_connection_that_stood_for_long_is_made_again_soon(
    exchange: FakeExchange,
) -> None:
    async with open_call_client(exchange.config()):
        for _ in LONGEST_WAITS:
            control = await exchange.control()
            await trio.sleep(11)
            await control.cut()
        await exchange.control()
    assert all(wait <= 11.5 for wait in waits(exchange))


@pytest.mark.parametrize(("stands_seconds", "is_stable"), [(9.5, False), (10.5, True)])
async def test_waits_start_anew_only_after_a_stable_connection(
    exchange: FakeExchange, stands_seconds: float, is_stable: bool
) -> None:
    async with open_call_client(exchange.config()):
        for _ in LONGEST_WAITS:
            control = await exchange.control()
            await trio.sleep(stands_seconds)
            await control.cut()
        await exchange.control()
    longest = max(waits(exchange)) - stands_seconds
    assert (longest <= 0.5) == is_stable


@pytest.mark.parametrize("how", ["cut", "closed", "too long a frame"])
async def test_every_loss_is_a_warning_and_is_made_good(
    exchange: FakeExchange, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        match how:
            case "cut":
                await control.cut()
            case "closed":
                await control.close()
            case _:
                await control.send("x" * (2**20 + 1))
        renewed = await exchange.control()
        await renewed.ring("s")
        assert (await switchboard.next_call()).state is CallState.PENDING
    [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "connecting again in" in warning.message


# trio-websocket has a logger of its own, which shows the reason of a close at DEBUG.
@on_one_transport
async def test_the_close_code_of_the_exchange_is_told(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_call_client(exchange.config()):
        control = await exchange.control()
        await control.wire.send_all(close(1012, b"a restart; you are " + API_KEY.encode()))
        await exchange.control()
    [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "has closed the connection (1012 a restart; you are ***)" in warning.message


@pytest.mark.parametrize(
    "answer",
    [
        ConnectionRefusedError("refused"),
        OSError("no route"),
        SILENCE,
        b"this is no WebSocket\r\n\r\n",
        b"",
        http(302, Location="ws://elsewhere/"),
        http(404, "not here"),
        http(429, "slow down"),
        http(500, "broken"),
        http(502, "gateway"),
        http(503, "maintenance"),
    ],
)
async def test_what_may_pass_is_tried_again(exchange: FakeExchange, answer: Answer) -> None:
    async with open_call_client(exchange.config()):
        exchange.answers.append(answer)
        await (await exchange.control()).cut()
        await exchange.control()
    assert len(exchange.attempts) == 3
    assert {attempt.host for attempt in exchange.attempts} == {"exchange"}


async def test_a_setup_that_does_not_end_is_tried_again(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()):
        control = await exchange.control()
        exchange.finishes_setup = False
        await control.cut()
        await exchange.control()
        exchange.finishes_setup = True
        await exchange.control()
    assert 10 <= waits(exchange)[1] <= 11


@pytest.mark.parametrize("status", [429, 503])
async def test_an_exchange_that_names_a_time_is_left_alone_until_then(
    exchange: FakeExchange, status: int
) -> None:
    async with open_call_client(exchange.config()):
        exchange.answers.append(http(status, Retry_After="120"))
        await (await exchange.control()).cut()
        await exchange.control(patience=200)
    assert 120 <= waits(exchange)[1] <= 121


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (401, WSSAuthenticationError),
        (403, WSSAuthenticationError),
        (426, WSSVersionError),
    ],
)
async def test_a_final_refusal_leaves_every_call_and_ends_the_client(
    exchange: FakeExchange,
    status: int,
    error_class: type[WSSConnectionError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(error_class, match="HTTP")):
        async with exchange.open_client() as (_, control, switchboard):
            await control.ring("s")
            call = await switchboard.next_call()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(call.answer)
                media = await exchange.media()
                await media.accept("call.answer")
            exchange.answers.append(http(status, f"no more of {API_KEY}"))
            await control.cut()
            await trio.sleep_forever()
    await media.expect_command("call.close")
    assert call.state is CallState.DISCONNECTED
    assert switchboard.held == 0
    assert len(exchange.attempts) == 3  # the last but one is the media connection
    assert API_KEY not in caplog.text
