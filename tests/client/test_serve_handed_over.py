"""Serving calls that other processes have claimed, with no control connection."""

from __future__ import annotations

import contextvars
import logging
import math
import signal
from collections.abc import AsyncIterator, Callable

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import TOKEN, ringing_call
from tests.support.peers.exchange import FakeExchange, Switchboard, http
from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, AudioFormat, CallState, ClientConfig, WSSMediaError
from trio_calls.call.hand_over import hand_over_of
from trio_calls.sessions import HandOver, serve_handed_over

pytestmark = on_one_transport


def handed_over(session: str = "s") -> HandOver:
    return hand_over_of(ringing_call(session), AudioFormat(8000))


class Worker:
    """Serves the documents that are put into it.

    Attributes:
      documents: where to put them.
      scope: of the serving.
      over: set when it has returned.
    """

    def __init__(self) -> None:
        self.documents, self._received = trio.open_memory_channel[HandOver | str | bytes](math.inf)
        self.scope = trio.CancelScope()
        self.over = trio.Event()

    @property
    def waiting(self) -> int:
        """How many documents were not taken."""
        return self.documents.statistics().current_buffer_used

    def put(self, *sessions: str) -> None:
        for session in sessions:
            self.documents.send_nowait(handed_over(session))

    async def run(
        self,
        handler: Callable[[ActiveCall], object],
        config: ClientConfig,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        with self.scope:
            await serve_handed_over(self._received, handler, config, task_status=task_status)
            self.over.set()


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked()


async def test_calls_are_served_side_by_side_until_there_are_no_more(
    exchange: FakeExchange,
) -> None:
    worker, switchboard = Worker(), Switchboard()
    async with trio.open_nursery() as nursery:
        await nursery.start(worker.run, switchboard, exchange.config())
        worker.put("first", "second")
        medias = [await exchange.answer(await switchboard.next_call()) for _ in range(2)]
        assert [call.call_id for call in switchboard.calls] == ["call of first", "call of second"]
        assert {call.audio_format.sample_rate for call in switchboard.calls} == {8000}
        worker.documents.close()
        await medias[0].close()
        await trio.sleep(100)
        assert not worker.over.is_set()
        await medias[1].close()
        await settle()
        assert worker.over.is_set()
    # No connection but these two was ever opened.
    assert len(exchange.attempts) == 2


async def test_one_call_that_fails_is_nobody_elses_trouble(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    worker, switchboard = Worker(), Switchboard()

    async def handle(call: ActiveCall) -> None:
        if call.call_id == "call of bad":
            raise ValueError("a fault of the handler")
        await switchboard(call)

    async with trio.open_nursery() as nursery:
        await nursery.start(worker.run, handle, exchange.config())
        worker.put("good")
        media = await exchange.answer(await switchboard.next_call())
        worker.put("bad")
        await (await exchange.media()).accept("call.disconnect")
        await settle()
        assert switchboard.held == 1
        await media.close()
        worker.documents.close()
    assert "call call of bad: its handler failed" in caplog.text


@pytest.mark.parametrize(
    "document", ["", b"\xff", f'{{"session_token":"{TOKEN}"}}'], ids=["empty", "no text", "one key"]
)
async def test_what_cannot_be_used_is_logged_and_passed_over(
    exchange: FakeExchange, document: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    worker, switchboard = Worker(), Switchboard()
    worker.documents.send_nowait(document)
    worker.put("good")
    worker.documents.close()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker.run, switchboard, exchange.config())
        await (await switchboard.next_call()).close()
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "a call was not taken, and its caller may ring on" in record.getMessage()


async def test_a_document_without_a_format_has_that_of_the_settings(exchange: FakeExchange) -> None:
    worker, switchboard = Worker(), Switchboard()
    worker.documents.send_nowait(handed_over().document)
    worker.documents.close()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker.run, switchboard, exchange.config(sample_rate=16000))
        call = await switchboard.next_call()
        assert call.audio_format == AudioFormat(16000)
        await call.close()


async def test_no_document_is_taken_without_room(exchange: FakeExchange) -> None:
    worker, switchboard = Worker(), Switchboard()
    async with trio.open_nursery() as nursery:
        await nursery.start(worker.run, switchboard, exchange.config(max_concurrent_calls=2))
        worker.put("1", "2", "3", "4")
        await settle()
        assert (switchboard.held, worker.waiting) == (2, 2)
        await switchboard.calls[0].close()
        await settle()
        assert (switchboard.held, worker.waiting) == (2, 1)
        worker.scope.cancel()
    assert worker.waiting == 1


async def test_none_is_taken_for_a_while_when_handlers_fail(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    worker, began = Worker(), []

    async def fail(call: ActiveCall) -> None:
        began.append(trio.current_time())
        raise ValueError("a fault of the handler")

    async with trio.open_nursery() as nursery:
        await nursery.start(worker.run, fail, exchange.config(on_handler_failure="ring"))
        for session in "123":
            worker.put(session)
            await settle()
        worker.put(*"45678")
        await trio.sleep(5)
        # As for offers: a pause after three in a row, and then one at a time. The fourth was being
        # waited for when it began.
        assert began == [0, 0, 0, 0, 1, 3]
        assert worker.waiting == 2
        worker.scope.cancel()
    assert "3 calls in a row have failed before they were answered" in caplog.text


async def test_a_call_that_is_answered_ends_the_pause(exchange: FakeExchange) -> None:
    worker, switchboard = Worker(), Switchboard()

    async def handle(call: ActiveCall) -> None:
        if "bad" in call.call_id:
            raise ValueError("a fault of the handler")
        await switchboard(call)

    async with trio.open_nursery() as nursery:
        await nursery.start(worker.run, handle, exchange.config(on_handler_failure="ring"))
        for session in ("bad 1", "bad 2", "bad 3", "bad 4"):
            worker.put(session)
            await settle()
        worker.put("good", "next", "one more")
        call = await switchboard.next_call()
        assert trio.current_time() == 1
        await trio.sleep(10)
        # One at a time: it rings.
        assert worker.waiting == 2
        media = await exchange.answer(call)
        await settle()
        assert worker.waiting == 0
        await media.close()
        worker.scope.cancel()


@pytest.mark.parametrize("status", [404, 409])
async def test_what_others_have_taken_ends_quietly(
    exchange: FakeExchange, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker()

    async def answer(call: ActiveCall) -> None:
        await call.answer()

    exchange.answers.extend([http(status)] * 10)
    worker.put(*"0123456789")
    worker.documents.close()
    await worker.run(answer, exchange.config())
    # It is no failure of the handler's either, after which there would be a pause.
    assert trio.current_time() == 0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_cancellation_leaves_every_call(exchange: FakeExchange) -> None:
    worker, switchboard = Worker(), Switchboard()
    async with trio.open_nursery() as nursery:
        await nursery.start(worker.run, switchboard, exchange.config())
        worker.put("answered", "ringing")
        calls = [await switchboard.next_call() for _ in range(2)]
        media = await exchange.answer(calls[0])
        worker.scope.cancel()
        await media.accept("call.close")
    assert trio.current_time() == 0
    assert {call.state for call in calls} == {CallState.DISCONNECTED}
    assert len(exchange.medias) == 1


async def test_no_call_is_lost_that_was_taken_as_it_was_cancelled(exchange: FakeExchange) -> None:
    worker, switchboard = Worker(), Switchboard()
    async with trio.open_nursery() as nursery:
        await nursery.start(worker.run, switchboard, exchange.config())
        await settle()
        worker.put("s")
        worker.scope.cancel()
    assert worker.waiting + len(switchboard.calls) == 1


async def test_where_tls_is_wanted_a_document_cannot_do_without(exchange: FakeExchange) -> None:
    refused: list[str] = []

    async def answer(call: ActiveCall) -> None:
        with pytest.raises(WSSMediaError) as caught:
            await call.answer()
        refused.append(str(caught.value))
        await call.close()

    worker = Worker()
    worker.put("s")
    worker.documents.close()
    await worker.run(answer, exchange.config(base_url="wss://exchange"))
    assert refused == ["the exchange offered a media connection without TLS: not opened"]
    assert exchange.attempts == []


@pytest.mark.parametrize("signals", [1, 2])
async def test_sigterm_drains(
    exchange: FakeExchange, signals: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    worker, switchboard = Worker(), Switchboard()
    async with trio.open_nursery() as nursery:
        await nursery.start(worker.run, switchboard, exchange.config(drain_seconds=60))
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        worker.put("s")
        media = await exchange.answer(await switchboard.next_call())
        nursery.start_soon(media.accept, "call.close")
        for _ in range(signals):
            signal.raise_signal(signal.SIGTERM)
            await trio.sleep(10)
        worker.put("late")
        await settle()
        assert worker.waiting == 1
        assert worker.over.is_set() is (signals == 2)
    assert worker.over.is_set()
    assert trio.current_time() == {1: 60, 2: 20}[signals]
    assert "SIGTERM: no new calls; those in progress, 1, may go on for 60 s" in caplog.text


class QueueError(Exception):
    """What a source of documents fails with."""


async def test_an_error_of_the_source_ends_it_and_every_call(exchange: FakeExchange) -> None:
    switchboard, broken = Switchboard(), trio.Event()

    async def documents() -> AsyncIterator[HandOver]:
        yield handed_over()
        await broken.wait()
        raise QueueError

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def serve() -> None:
            with pytest.raises(ExceptionGroup) as caught:
                await serve_handed_over(documents(), switchboard, exchange.config())
            assert caught.group_contains(QueueError, depth=None)

        media = await exchange.answer(await switchboard.next_call())
        broken.set()
        await media.accept("call.close")
    assert switchboard.held == 0


async def test_a_source_that_never_waits_lets_others_run(exchange: FakeExchange) -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "no document"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_handed_over, endless(), Switchboard(), exchange.config())
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unbound")


async def test_no_call_sees_the_variables_of_another(exchange: FakeExchange) -> None:
    seen: list[str] = []

    async def documents() -> AsyncIterator[HandOver]:
        for number in range(3):
            variable.set(f"bound for {number}")
            yield handed_over(str(number))

    async def handle(call: ActiveCall) -> None:
        seen.append(variable.get())
        variable.set("bound by a handler")
        await call.close()

    await serve_handed_over(documents(), handle, exchange.config())
    assert seen == ["unbound"] * 3


async def test_a_generator_is_no_handler(exchange: FakeExchange) -> None:
    async def generate(call: ActiveCall) -> AsyncIterator[None]:
        yield

    with pytest.raises(TypeError, match="is a generator"):
        await Worker().run(generate, exchange.config())


async def test_a_handlers_error_ends_it_if_asked_for(exchange: FakeExchange) -> None:
    async def fail(call: ActiveCall) -> None:
        raise QueueError

    worker = Worker()
    worker.put("s")
    with pytest.raises(ExceptionGroup) as caught:
        await worker.run(fail, exchange.config(crash_on_handler_error=True))
    assert caught.group_contains(QueueError, depth=None)
