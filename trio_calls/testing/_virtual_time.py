"""Virtual time for Trio tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import trio
import trio.testing

ResultT = TypeVar("ResultT")


def run_in_virtual_time(
    main: Callable[[], Awaitable[ResultT]],
    *,
    clock: trio.abc.Clock | None,
    instruments: Sequence[trio.abc.Instrument],
) -> ResultT:
    """Run a test on a clock that jumps to the next deadline whenever everything waits.

    For pytest-trio: ``@pytest.mark.trio(run=run_in_virtual_time)``.

    Args:
      main: the test to run.
      clock: a clock of the test's own, for instance from the fixture ``mock_clock``, which is used
        instead; or None.
      instruments: the instruments to pass to `trio.run`.
    """
    virtual = clock or trio.testing.MockClock(autojump_threshold=0)
    return trio.run(main, clock=virtual, instruments=instruments)
