"""asyncio runs in a task of Trio: on its clock, over its streams, and to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sniffio
import trio
import trio.testing

from examples.book.beside.guest_loop import GuestLoop, run_asyncio

pytestmark = pytest.mark.pure


async def no_stream(host: str, port: int) -> trio.abc.Stream:
    raise ConnectionRefusedError


def guest_loop() -> GuestLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, GuestLoop)
    return loop


async def test_both_wait_on_one_clock() -> None:
    came: list[tuple[str, float]] = []

    async def main() -> str:
        for _ in range(3):
            await asyncio.sleep(1000)
            came.append(("asyncio", trio.current_time()))
        return "done"

    async def tick() -> None:
        for _ in range(2):
            await trio.sleep(1400)
            came.append(("trio", trio.current_time()))

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        assert await run_asyncio(main, no_stream) == "done"
    assert [(who, round(at - began)) for who, at in came] == [
        ("asyncio", 1000),
        ("trio", 1400),
        ("asyncio", 2000),
        ("trio", 2800),
        ("asyncio", 3000),
    ]


async def test_each_knows_what_it_is() -> None:
    async def main() -> str:
        return sniffio.current_async_library()

    assert await run_asyncio(main, no_stream) == "asyncio"
    assert sniffio.current_async_library() == "trio"


async def test_what_trio_does_is_awaited() -> None:
    async def double(number: int) -> int:
        await trio.sleep(60)
        if not number:
            raise LookupError("nothing to double")
        return 2 * number

    async def main() -> int:
        with pytest.raises(LookupError):
            await guest_loop().in_trio(double, 0)
        return await guest_loop().in_trio(double, 3)

    assert await run_asyncio(main, no_stream) == 6


async def test_what_trio_does_is_cancelled() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append("trio")

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await guest_loop().in_trio(wait)
        ended.append("asyncio")
        await asyncio.sleep(1)
        # By now, and not when all ends.
        assert ended == ["asyncio", "trio"]

    await run_asyncio(main, no_stream)


async def test_a_thread_gives_its_result() -> None:
    async def main() -> str:
        return await asyncio.to_thread("what a thread does".title)

    assert await run_asyncio(main, no_stream) == "What A Thread Does"


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_no_task_is_left(is_cancelled: bool) -> None:
    ended: list[str] = []

    async def stay(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
            ended.append(name)

    async def main() -> None:
        tasks = [asyncio.create_task(stay("left behind"))]
        await asyncio.sleep(1)
        if is_cancelled:
            tasks.append(asyncio.current_task())  # type: ignore[arg-type]  # there is one
            await stay("main")

    with trio.move_on_after(2) as scope:
        await run_asyncio(main, no_stream)
    assert scope.cancelled_caught == is_cancelled
    assert ended == (["main", "left behind"] if is_cancelled else ["left behind"])


async def test_an_error_comes_out() -> None:
    async def main() -> None:
        raise LookupError

    with pytest.RaisesGroup(LookupError, flatten_subgroups=True):
        await run_asyncio(main, no_stream)


async def test_a_connection_carries_bytes_both_ways() -> None:
    here, there = trio.testing.memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        assert (host, port) == ("example", 80)
        return here

    async def main() -> bytes:
        reader, writer = await asyncio.open_connection("example", 80)
        writer.write(b"hello ")
        writer.write(b"you")
        answer = await reader.readexactly(3)
        writer.close()
        await writer.wait_closed()
        return answer

    async def answer() -> None:
        assert await there.receive_some(6) == b"hello "
        assert await there.receive_some(3) == b"you"
        await there.send_all(b"yes")
        assert await there.receive_some() == b""

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        assert await run_asyncio(main, open_stream) == b"yes"


async def test_a_connection_ends_at_the_other_side() -> None:
    here, there = trio.testing.memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return here

    async def main() -> bytes:
        reader, writer = await asyncio.open_connection("example", 80)
        received = await reader.read()
        await writer.wait_closed()
        return received

    async def send() -> None:
        await trio.sleep(1)
        await there.send_all(b"goodbye")
        await there.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        assert await run_asyncio(main, open_stream) == b"goodbye"


async def test_a_connection_is_read_when_there_is_room() -> None:
    here, there = trio.testing.memory_stream_pair()
    received: list[bytes] = []

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return here

    class Reader(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            received.append(data)

    async def main() -> None:
        transport, _ = await guest_loop().create_connection(Reader, "example", 80)
        transport.pause_reading()
        await guest_loop().in_trio(there.send_all, b"first")
        await asyncio.sleep(10)
        assert received == []
        transport.resume_reading()
        await asyncio.sleep(10)
        assert received == [b"first"]
        transport.close()

    await run_asyncio(main, open_stream)


async def test_a_refused_connection_is_an_error() -> None:
    async def main() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("example", 80)

    await run_asyncio(main, no_stream)


async def test_generators_are_closed() -> None:
    ended: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(1)
            ended.append(True)

    kept = numbers()

    async def main() -> int:
        return await anext(kept)

    assert await run_asyncio(main, no_stream) == 1
    assert ended == [True]
