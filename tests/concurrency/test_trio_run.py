"""What whoever comes from asyncio is told."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from trio_calls import ClientConfig, open_call_client, serve_calls
from trio_calls.simulator import open_simulator

pytestmark = pytest.mark.pure

CONFIG = ClientConfig.sandbox(api_key="key", connector_uuid="uuid")
ADVICE = r"start it with trio\.run\(\)"


@pytest.mark.parametrize(
    "open_it", [lambda: open_call_client(CONFIG), open_simulator], ids=["client", "simulator"]
)
def test_asyncio_is_told_what_to_do(
    open_it: Callable[[], AbstractAsyncContextManager[Any]],
) -> None:
    async def enter() -> None:
        async with open_it():
            pytest.fail("it was opened")

    with pytest.raises(RuntimeError, match=ADVICE):
        asyncio.run(enter())


def test_so_is_whoever_serves_calls() -> None:
    with pytest.raises(RuntimeError, match=ADVICE):
        asyncio.run(serve_calls(print, CONFIG))
