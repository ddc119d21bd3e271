"""A block of an application's code that is over when its call is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self

import trio

from trio_calls.concurrency.error_groups import holds_only
from trio_calls.errors import WSSCallClosedError


class HangupScope:
    """A block that ends quietly when its call does. Got from `ActiveCall.cancel_on_hangup`.

    Attributes:
      cancel_scope: is around the block, and cancelled when the call is over.
    """

    def __init__(self, over: trio.Event) -> None:
        self.cancel_scope: trio.CancelScope = trio.CancelScope()
        self._over = over
        self._has_failed_of_the_end = False
        self._block: AbstractContextManager[None] | None = None

    @property
    def cancelled_caught(self) -> bool:
        """Whether the end of the call, or `cancel`, has cut the block short."""
        return self.cancel_scope.cancelled_caught or self._has_failed_of_the_end

    def cancel(self) -> None:
        """Cut the block short now."""
        self.cancel_scope.cancel()

    def __enter__(self) -> Self:
        """Enter the block. It is cancelled at once if the call is over already."""
        self._block = self._end_quietly()
        self._block.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Leave the block, quietly if the end of the call has ended it."""
        assert self._block is not None
        return bool(self._block.__exit__(kind, error, traceback))

    @contextmanager
    def _end_quietly(self) -> Iterator[None]:
        try:
            with self.cancel_scope:
                yield
        except (WSSCallClosedError, BaseExceptionGroup) as error:
            # What was awaited may have noticed the end before the scope was cancelled.
            if not self._over.is_set() or not holds_only(error, WSSCallClosedError):
                raise
            self._has_failed_of_the_end = True
