"""What the demo prints while it runs, and its report on each story."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import attrs
import trio

from trio_calls.demo.stories import Story
from trio_calls.simulator import SimulatedCall
from trio_calls.state import CallState

_REFRESH_SECONDS: Final = 0.25
_BAR = "█"


class Progress:
    """A line of progress: rewritten on a terminal, printed once for each call elsewhere."""

    def __init__(self, names: Sequence[str]) -> None:
        self._running = list(names)
        self._total = len(names)
        self._began = trio.current_time()
        self._is_terminal = sys.stdout.isatty()

    async def run(self) -> None:
        """Show the line until cancelled."""
        while self._is_terminal:
            self._rewrite()
            await trio.sleep(_REFRESH_SECONDS)

    def finish(self, name: str) -> None:
        """Count a call as over."""
        self._running.remove(name)
        if self._is_terminal:
            self._rewrite()
        else:
            print(f"  {self._count} done after {self._seconds:.1f} s: {name}", flush=True)

    @property
    def _count(self) -> str:
        return f"{self._total - len(self._running)} of {self._total}"

    @property
    def _seconds(self) -> float:
        return trio.current_time() - self._began

    def _rewrite(self) -> None:
        bar = (_BAR * (self._total - len(self._running))).ljust(self._total, "·")
        line = f"  {bar} {self._count} calls done, {self._seconds:4.1f} s"
        print(f"\r{line}", end="" if self._running else "\n", flush=True)


@attrs.frozen
class Outcome:
    """The result of a story.

    Attributes:
      story: the story.
      call: the simulated call, with the recordings of its phones.
      states: the states that the agent's call went through.
      goes_on_without_agent: whether caller and callee were still talking when the agent had left.
      fault: why the story could not be played to its end, or None.
    """

    story: Story
    call: SimulatedCall
    states: Sequence[CallState]
    goes_on_without_agent: bool
    fault: str | None

    @property
    def is_kept(self) -> bool:
        """Whether the story did all that it promises."""
        return (
            self.fault is None
            and tuple(self.states) == self.story.states
            and self.goes_on_without_agent == self.story.goes_on_without_agent
            and all(promise.is_kept(promise.measure(self.call)) for promise in self.story.promises)
        )


def arrows(states: Sequence[CallState]) -> str:
    """Return the names of states, joined by arrows."""
    return " → ".join(state.name for state in states)


def print_outcome(outcome: Outcome) -> None:
    """Print a story's states, and who heard what."""
    story = outcome.story
    print(f"\n{story.name}: {story.title}")
    if outcome.fault is not None:
        print(f"  ✗ {outcome.fault}")
    if tuple(outcome.states) == story.states:
        print(f"  ✓ {arrows(outcome.states)}")
    else:
        print(f"  ✗ {arrows(outcome.states)} instead of {arrows(story.states)}")
    if story.goes_on_without_agent:
        mark = "✓" if outcome.goes_on_without_agent else "✗"
        print(f"  {mark} caller and callee were still talking when the agent had left")
    for promise in story.promises:
        correlation = promise.measure(outcome.call)
        mark = "✓" if promise.is_kept(correlation) else "✗"
        verb = "heard" if promise.is_heard else "did not hear"
        print(
            f"  {mark} the {promise.listener} {verb} {promise.speech} "
            f"(correlation {correlation:.2f})"
        )
