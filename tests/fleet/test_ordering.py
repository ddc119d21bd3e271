"""Asking a worker for something: how long it has for that, without a server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import trio

from trio_calls.fleet._ordering import give_order
from trio_calls.fleet._orders import Answer, AnswerKind, Order, OrderKind

pytestmark = pytest.mark.usefixtures("virtual_time")

WITHIN_SECONDS = 5.0


class SlowRedis:
    """It takes ten seconds to take a recording, and its worker answers in time only."""

    def now_ms(self) -> int:
        return round(trio.current_time() * 1000)

    async def create_request(self, name: bytes, callback: Any) -> Any:
        seconds, rest = divmod(self.now_ms(), 1000)
        return callback([str(seconds), str(rest * 1000)])

    async def set(self, key: str, sound: bytes, px: int) -> None:
        assert px == WITHIN_SECONDS * 1000
        await trio.sleep(10)

    async def xadd(self, key: str, fields: dict[str, bytes]) -> None:
        self.order = Order.decode(fields["order"])

    async def pexpire(self, key: str, milliseconds: int) -> None:
        pass

    async def xread(self, positions: dict[str, bytes], block: int) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        if self.order.expires_ms <= self.now_ms():
            await trio.sleep(block / 1000)
            return {}
        answer = Answer(kind=AnswerKind.DONE)
        entry = SimpleNamespace(identifier=b"1", field_values={b"answer": answer.encode()})
        return {"answers": [entry]}

    async def exists(self, keys: list[str]) -> int:
        return 1


async def test_the_time_of_an_order_begins_when_it_is_given() -> None:
    answer = await give_order(
        SlowRedis(),  # type: ignore[arg-type]
        "web1",
        OrderKind.WHISPER,
        WITHIN_SECONDS,
        "call-1",
        sound=bytes(3_000_000),
        takes_seconds=60,
    )
    assert answer.kind is AnswerKind.DONE
