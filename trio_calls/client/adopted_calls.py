"""Calls that other processes have handed over to this one."""

from __future__ import annotations

import math

import attrs
import trio

from trio_calls._logging import get_logger
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.claim import ClaimState
from trio_calls.call.hand_over import HandOver, address_of, gatekeeper_of
from trio_calls.call.scope import CallHandler, CallScope
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.config import WIRE_VERSIONS, ClientConfig, WireName
from trio_calls.transport.tls import ClientTLS

logger = get_logger("trio_calls.adopted_calls")


class AdoptedCalls:
    """Runs the scopes of such calls, each in a task of its own that others start.

    They are claimed by the processes that they come from, so that no control connection here has to
    do with them.

    Attributes:
      news: wakes whoever waits for one that rings no more, or whose scope is closed.
    """

    def __init__(self, config: ClientConfig, tls: ClientTLS) -> None:
        self.news: Wakeup = Wakeup()
        self._config = config
        self._tls = tls
        self._deadline = math.inf
        # In the order in which they came, with what they run in.
        self._scopes: dict[CallScope, trio.CancelScope] = {}

    @property
    def calls(self) -> tuple[ActiveCall, ...]:
        """The calls whose scopes are open, or about to be, the oldest first."""
        return tuple(call.active_call for call in self._scopes)

    @property
    def ringing(self) -> int:
        """How many of them wait to be answered, or have failed before that and are being left."""
        return sum(
            call.failed_before_answer or call.core.claim.state is not ClaimState.GONE
            for call in self._scopes
        )

    def __len__(self) -> int:
        return len(self._scopes)

    def add(self, handed_over: HandOver) -> CallScope:
        """Make the scope of a call, which counts from now on. It has to be run.

        Its wire and its audio are as where it was claimed, whatever `config` says.
        """
        audio_format = handed_over.audio_format
        config = attrs.evolve(
            self._config,
            sample_rate=audio_format.sample_rate,
            audio_mode=audio_format.mode,
            wire=handed_over.wire,
            wire_version=self._version_of(handed_over.wire),
        )
        call = CallScope(address_of(handed_over), config, self._tls, is_followed=False)
        call.core.claim.gatekeeper = gatekeeper_of(handed_over)
        self._scopes[call] = trio.CancelScope(deadline=self._deadline)
        return call

    def _version_of(self, wire: WireName) -> str:
        return self._config.wire_version if wire == self._config.wire else WIRE_VERSIONS[wire]

    async def run(self, call: CallScope, handler: CallHandler, draining: trio.Event) -> None:
        """Run a scope that was added, from here to its end.

        Raises, and is cancelled, as `CallScope.run`.
        """
        try:
            with self._scopes[call] as scope:
                await call.run(handler, draining)
        finally:
            del self._scopes[call]
            self.news.wake()
        if scope.cancelled_caught and scope.deadline <= trio.current_time():
            call_id = call.active_call.call_id
            logger.warning("call %s: left, as the time to drain was over", call_id)

    def end_by(self, deadline: float) -> None:
        """Cancel at `deadline`, in Trio's time, what still runs then. It is never put off."""
        self._deadline = min(self._deadline, deadline)
        for scope in self._scopes.values():
            scope.deadline = min(scope.deadline, deadline)

    def cancel(self) -> None:
        """Cancel all of them now."""
        for scope in self._scopes.values():
            scope.cancel()

    async def wait_closed(self) -> None:
        """Wait until none is left. No checkpoint if there is none.

        Cancellation: changes nothing.
        """
        while self._scopes:
            await self.news.wait()
