"""Calls that share connections to a database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import trio

from examples.recipes import database_pool
from examples.recipes.database_pool import Pool
from trio_calls.simulator import Simulator
from trio_calls.testing import WavLoader, heard, run_agent


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE customers (number, line)")
        connection.execute("INSERT INTO customers VALUES ('known', 'goodbye.wav')")
    return path


@pytest.fixture
def pool(customers: Path) -> Iterator[Pool]:
    with database_pool.open_pool(customers, size=1) as pool:
        yield pool


async def test_callers_hear_what_the_database_says(
    simulator: Simulator, wav: WavLoader, pool: Pool
) -> None:
    async with run_agent(partial(database_pool.handle_call, pool), simulator):
        known = [simulator.place_call(caller="known") for _ in range(3)]
        stranger = simulator.place_call(caller="stranger")
        for call in (*known, stranger):
            await call.wait_ended()
    for call in known:
        heard(call.caller, wav("goodbye.wav"))
    heard(stranger.caller, wav("not_available.wav"))


async def test_who_hangs_up_in_line_leaves_it(
    simulator: Simulator, wav: WavLoader, pool: Pool
) -> None:
    async with run_agent(partial(database_pool.handle_call, pool), simulator) as client:
        async with pool.borrow():
            impatient = simulator.place_call(caller="known")
            patient = simulator.place_call(caller="known")
            await trio.sleep(5)
            impatient.caller.hang_up()
            await trio.sleep(0.1)
            assert len(client.calls) == 1
        await patient.wait_ended()
    heard(patient.caller, wav("goodbye.wav"))


async def test_whatever_ends_a_call_gives_its_connection_back(
    simulator: Simulator, wav: WavLoader, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []

    async def line_for(number: str | None, connection: sqlite3.Connection) -> str:
        asked.append(number)
        if number == "fails":
            raise sqlite3.OperationalError("the database is locked")
        if number == "hangs":
            await trio.sleep_forever()
        return "goodbye.wav"

    monkeypatch.setattr(database_pool, "line_for", line_for)
    handler = partial(database_pool.handle_call, pool)
    async with run_agent(handler, simulator, crash_on_handler_error=False):
        await simulator.place_call(caller="fails").wait_ended()
        hanging = simulator.place_call(caller="hangs")
        await hanging.caller.wait_talking()
        last = simulator.place_call(caller="known")
        await trio.sleep(2)
        hanging.caller.hang_up()
        await last.wait_ended()
    assert asked == ["fails", "hangs", "known"]
    heard(last.caller, wav("goodbye.wav"))


def test_connections_are_closed_in_the_end(customers: Path) -> None:
    async def borrow() -> sqlite3.Connection:
        with database_pool.open_pool(customers, size=2) as pool:
            async with pool.borrow() as connection:
                connection.execute("SELECT 1")
                return connection

    connection = trio.run(borrow)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
