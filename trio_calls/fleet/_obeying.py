"""Doing what a worker is asked to do from elsewhere."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import trio

from trio_calls._logging import get_logger
from trio_calls.audio import SAMPLE_BYTES
from trio_calls.call.active_call import ActiveCall, playout_of
from trio_calls.call.current import current_call_id
from trio_calls.errors import WSSCallClosedError, WSSError
from trio_calls.fleet._orders import MAX_WHISPER_SECONDS, Answer, AnswerKind, Order, OrderKind
from trio_calls.fleet._watch import ClientWatch
from trio_calls.state import AgentMode, CallState

logger = get_logger("trio_calls.fleet")

#: So many orders are carried out at a time. Further ones are refused.
MAX_AT_WORK: Final = 16

#: How long an agent who is cancelled while whispering takes to be as before.
RETURN_SECONDS: Final = 2.0

#: So many orders are remembered, so that none is carried out twice.
_REMEMBERED: Final = 1000


class Obedience:
    """Carries out orders, each in a task of its own, and says what came of them.

    Args:
      nursery: where they are carried out. It outlives connections to Redis.
      watch: knows the calls.
      start_draining: begins to drain the worker.
      wake: is called when there is an answer.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        watch: ClientWatch,
        start_draining: Callable[[], object],
        wake: Callable[[], None],
    ) -> None:
        self._nursery = nursery
        self._watch = watch
        self._start_draining = start_draining
        self._wake = wake
        self._known: OrderedDict[str, None] = OrderedDict()
        self._at_work = 0

    def is_new(self, order: Order, now_ms: int) -> bool:
        """Return whether an order is to be carried out, and remember it.

        Those that nobody waits for any more are not, nor those that were carried out before: they
        are read again after an outage.
        """
        if order.order_id in self._known or order.expires_ms <= now_ms:
            return False
        self._known[order.order_id] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return True

    def carry_out(self, order: Order, sound: bytes = b"") -> None:
        """Begin to carry out an order.

        Args:
          order: the order.
          sound: what is to be whispered, if it is that: PCM at the call's sample rate.
        """
        if order.kind is OrderKind.DRAIN:
            self._drain(order)
            return
        call = self._watch.find(order.call_id or "")
        if call is None or call.state is CallState.DISCONNECTED:
            self._answer(order, AnswerKind.NO_CALL)
        elif order.kind is OrderKind.WHISPER and not is_whisperable(call, sound):
            self._answer(order, AnswerKind.FAILED, "there is nothing to whisper, or too much")
        elif self._at_work >= MAX_AT_WORK:
            self._answer(order, AnswerKind.FAILED, "the worker is at too many orders already")
        else:
            logger.info("call %s: a fleet's order: %s", call.call_id, order.kind.value)
            self._answer(order, AnswerKind.WORKING)
            self._at_work += 1
            self._nursery.start_soon(self._run, order, call, sound, name="trio_calls: fleet order")

    def _drain(self, order: Order) -> None:
        logger.info("a fleet's order: drain")
        try:
            self._start_draining()
        except Exception as error:
            # It is the application's.
            logger.error("what is to drain this worker failed", exc_info=error)
            self._answer(order, AnswerKind.FAILED, type(error).__name__)
        else:
            self._answer(order, AnswerKind.DONE)

    async def _run(self, order: Order, call: ActiveCall, sound: bytes) -> None:
        binding = current_call_id.set(call.call_id)
        failure = "the worker was stopped"
        try:
            if order.kind is OrderKind.CLOSE:
                await call.close()
            else:
                await whisper(call, sound)
            failure = ""
        except WSSError as error:
            failure = str(error)
        except Exception as error:
            # Whoever gives orders must not be able to end calls that have nothing to do with it.
            failure = type(error).__name__
            logger.error("a fleet's order failed", exc_info=error)
        finally:
            current_call_id.reset(binding)
            self._at_work -= 1
            self._answer(order, AnswerKind.FAILED if failure else AnswerKind.DONE, failure)

    def _answer(self, order: Order, kind: AnswerKind, detail: str = "") -> None:
        answer = Answer(kind=kind, detail=detail, calls=len(self._watch.call_ids))
        self._watch.changes.add_answer(order.order_id, answer)
        self._wake()


async def whisper(call: ActiveCall, pcm: bytes) -> None:
    """Say something that only the callee hears, and let all be as before.

    A voice that is speaking comes first, and one that wants to speak waits. What the application
    sends by itself meanwhile is whispered, too.

    Args:
      call: a call that is CONNECTED.
      pcm: 16-bit PCM at the call's sample rate.

    Raises:
      WSSCallStateError: the call is not CONNECTED.
      WSSCallClosedError: it has ended before all of it was said.
      WSSCallError, WSSMediaError: the exchange refuses, or the media connection is lost.

    Cancellation: the rest is not said; who hears the agent is as before, within `RETURN_SECONDS`.
    """
    async with playout_of(call).turn:
        before = call.mode
        with call.cancel_on_hangup() as scope:
            await call.whisper()
            try:
                await call.send_audio(pcm)
                await call.wait_audio_sent()
            except BaseException:
                with trio.move_on_after(RETURN_SECONDS, shield=True):
                    await _return_to(call, before, flush=False)
                raise
            await _return_to(call, before, flush=True)
    if scope.cancelled_caught or call.state is CallState.DISCONNECTED:
        raise WSSCallClosedError("the call ended before all of it was whispered")


def is_whisperable(call: ActiveCall, pcm: bytes) -> bool:
    """Return whether it is sound of a length that may be whispered."""
    longest = MAX_WHISPER_SECONDS * call.audio_format.bytes_per_second
    return 0 < len(pcm) <= longest and len(pcm) % SAMPLE_BYTES == 0


async def _return_to(call: ActiveCall, mode: AgentMode | None, *, flush: bool) -> None:
    """Let those hear the agent who did, unless that was changed meanwhile."""
    if call.mode is not AgentMode.WHISPER:
        return
    if mode is AgentMode.BARGE:
        await call.barge(flush=flush)
    elif mode is AgentMode.SPY:
        await call.spy(flush=flush)
