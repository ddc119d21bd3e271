"""Who of an exchange's SDKs on the second wire is told of something: one of them, by turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import trio

from trio_calls.simulator.exchange.sessions import ConnectedSdk, Session

#: Seconds within which an SDK must claim a call that it was told of. They pass quickly: see
#: findings/agentduet-messages-hold-up-calls.sh.
CLAIM_SECONDS: Final = 10.0


@attrs.frozen(eq=False)
class _Notice:
    """Who was told of a call last, who has been, in this round, and the wait for its claim."""

    sdk: ConnectedSdk
    told: frozenset[ConnectedSdk]
    waiting: trio.CancelScope = attrs.field(factory=trio.CancelScope)


class Rotation:
    """Tells one SDK of each call, and another one if that does not claim it in time.

    Args:
      nursery: where it waits for claims.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        # Whose turn it is comes first.
        self._sdks: list[ConnectedSdk] = []
        self._notices: dict[Session, _Notice] = {}

    @property
    def sdks(self) -> tuple[ConnectedSdk, ...]:
        """All SDKs that take turns."""
        return tuple(self._sdks)

    def join(self, sdk: ConnectedSdk) -> None:
        """Let an SDK have its turns from now on."""
        self._sdks.append(sdk)

    def leave(self, sdk: ConnectedSdk) -> None:
        """Pass on what an SDK was told of and has not claimed: it is gone."""
        if sdk not in self._sdks:
            return
        self._sdks.remove(sdk)
        for session in [each for each, notice in self._notices.items() if notice.sdk is sdk]:
            self._pass_on(session)

    def next(self, takes: Callable[[ConnectedSdk], bool]) -> ConnectedSdk | None:
        """Return whose turn it is of those that take something; None if nobody does."""
        for sdk in self._sdks:
            if takes(sdk) and not sdk.is_gone():
                self._sdks.remove(sdk)
                self._sdks.append(sdk)
                return sdk
        return None

    def offer(self, session: Session, told: frozenset[ConnectedSdk] = frozenset()) -> None:
        """Tell the next SDK of a call, if there is one that takes it.

        Args:
          session: the call's.
          told: who was told of it and has let it pass. They are told again when all others were.
        """
        self.settle(session)
        sdk = self.next(lambda each: each not in told and each.takes(session))
        if sdk is None and told:
            self.offer(session)
        if sdk is None:
            return
        notice = self._notices[session] = _Notice(sdk, told | {sdk})
        sdk.offer(session)
        self._nursery.start_soon(self._expire, session, notice)

    def knows(self, session: Session, sdk: ConnectedSdk | None = None) -> bool:
        """Return whether an SDK may claim a call now, or whether anybody may with None."""
        notice = self._notices.get(session)
        return notice is not None and sdk in {None, notice.sdk}

    def settle(self, session: Session) -> None:
        """Wait no longer for the claim of a call: it has come, or the call is over."""
        notice = self._notices.pop(session, None)
        if notice is not None:
            notice.waiting.cancel()

    async def _expire(self, session: Session, notice: _Notice) -> None:
        with notice.waiting:
            await trio.sleep(CLAIM_SECONDS)
            # It may have been settled at this very moment, by a task that came first.
            await trio.lowlevel.checkpoint_if_cancelled()
            self._pass_on(session)

    def _pass_on(self, session: Session) -> None:
        """Tell another SDK of a call, unless it was claimed or is over."""
        notice = self._notices[session]
        self.settle(session)
        if session.is_on_offer:
            self.offer(session, notice.told)
