"""Asking a worker for something: how long it has for that, without a server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import trio

from trio_calls.fleet import WorkerSilentError
from trio_calls.fleet._ordering import give_order
from trio_calls.fleet._orders import Answer, AnswerKind, Order, OrderKind

pytestmark = pytest.mark.usefixtures("virtual_time")

WITHIN_SECONDS = 5.0


class SlowRedis:
    """It takes ten seconds to take a recording, and its worker answers in time only, if at all."""

    def __init__(self, *, is_deaf: bool = False) -> None:
        self._is_deaf = is_deaf

    def now_ms(self) -> int:
        return round(trio.current_time() * 1000)

    async def create_request(self, name: bytes, callback: Any) -> Any:
        seconds, rest = divmod(self.now_ms(), 1000)
        return callback([str(seconds), str(rest * 1000)])

    async def set(self, key: str, sound: bytes, px: int) -> None:
        assert px > 0, "Redis refuses that"
        self.kept_ms = px
        await trio.sleep(10)

    async def xadd(self, key: str, fields: dict[str, bytes]) -> None:
        self.order = Order.decode(fields["order"])

    async def pexpire(self, key: str, milliseconds: int) -> None:
        assert milliseconds == self.kept_ms

    async def xread(self, positions: dict[str, bytes], block: int) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        if self._is_deaf or self.order.expires_ms <= self.now_ms():
            await trio.sleep(block / 1000)
            return {}
        answer = Answer(kind=AnswerKind.DONE)
        entry = SimpleNamespace(identifier=b"1", field_values={b"answer": answer.encode()})
        return {"answers": [entry]}

    async def exists(self, keys: list[str]) -> int:
        return 1


async def whisper(redis: SlowRedis, within_seconds: float) -> Answer:
    return await give_order(
        redis,  # type: ignore[arg-type]
        "web1",
        OrderKind.WHISPER,
        within_seconds,
        "call-1",
        sound=bytes(3_000_000),
        takes_seconds=60,
    )


async def test_the_time_of_an_order_begins_when_it_is_given() -> None:
    redis = SlowRedis()
    assert (await whisper(redis, WITHIN_SECONDS)).kind is AnswerKind.DONE
    assert redis.kept_ms == WITHIN_SECONDS * 1000


async def test_a_time_in_which_nobody_can_answer_is_over() -> None:
    redis = SlowRedis(is_deaf=True)
    with pytest.raises(WorkerSilentError, match=r"has not answered within 0\.0001 s"):
        await whisper(redis, 0.0001)
