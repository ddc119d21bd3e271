"""Virtual time for Trio tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import trio
import trio.testing

ResultT = TypeVar("ResultT")

#: For so many real seconds time stands still for a thread: one that waits for time to pass would
#: otherwise wait for ever.
_THREAD_SECONDS: Final = 2.0


class _StandStill(trio.abc.Instrument):
    """Lets virtual time stand still while a thread of `trio.to_thread` works.

    To a clock that jumps, it would look as if nothing happened meanwhile: seconds would pass, as
    many as the machine has time for, and no two runs were the same.
    """

    def __init__(self, clock: trio.testing.MockClock) -> None:
        self._clock = clock
        self._is_held = False

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        is_held = trio.testing.active_thread_count() > 0
        if is_held is not self._is_held:
            self._is_held = is_held
            self._clock.autojump_threshold = _THREAD_SECONDS if is_held else 0


def run_in_virtual_time(
    main: Callable[[], Awaitable[ResultT]],
    *,
    clock: trio.abc.Clock | None,
    instruments: Sequence[trio.abc.Instrument],
) -> ResultT:
    """Run a test on a clock that jumps to the next deadline whenever everything waits.

    While a thread of `trio.to_thread` works, time stands still, for 2 s at the most.

    For pytest-trio: ``@pytest.mark.trio(run=run_in_virtual_time)``.

    Args:
      main: the test to run.
      clock: a clock of the test's own, for instance from the fixture ``mock_clock``, which is used
        instead; or None.
      instruments: the instruments to pass to `trio.run`.
    """
    if clock is None:
        clock = virtual = trio.testing.MockClock(autojump_threshold=0)
        instruments = [*instruments, _StandStill(virtual)]
    return trio.run(main, clock=clock, instruments=instruments)
