"""The stage that the programs of the book play on: an exchange, two telephones, and a clock.

`play` runs each version of a program against the simulator, in virtual time. It prints when what
was said, heard and noted, and what the tree of tasks looked like.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import numpy as np
import trio
import trio.testing

from trio_calls import ActiveCall, events, open_call_client
from trio_calls.audio import SAMPLE_BYTES, duration_seconds, frame_bytes, level_dbfs, read_wav
from trio_calls.simulator import (
    PhoneHungUp,
    PhoneState,
    SimulatedCall,
    Simulator,
    open_simulator,
)
from trio_calls.testing import draw_tasks

STAGE = Path(__file__)

SAMPLE_RATE = 24_000
FRAME = frame_bytes(SAMPLE_RATE)
SILENCE_DBFS = -45

#: A handler that has not ended so long after its call is not waited for any longer.
LAST_SECONDS = 40

#: So many seconds of real time are enough for a thread that works.
THREAD_SECONDS = 2.0


class Line(bytes):
    """A line of speech: its audio, and its words.

    Attributes:
      words: what is said.
    """

    words: str


def load(name: str, words: str) -> Line:
    folder = STAGE.parents[1] / "speech"
    line = Line(read_wav(folder / f"{name}.wav", SAMPLE_RATE))
    line.words = words
    return line


GREETING = load("greeting", "Hello, this is the front desk. How can I help you?")
PLEASE_HOLD = load("please_hold", "One moment please, I will connect you.")
GUIDANCE = load("guidance", "The caller is a gold customer and wants to renew.")
NOT_AVAILABLE = load("not_available", "I am sorry, nobody is available right now.")
GOODBYE = load("goodbye", "Thank you for calling. Goodbye.")
REQUEST = load("caller_request", "Hi, my name is Ada. I would like to talk to sales.")
THANKS = load("caller_thanks", "Thank you, that is all I wanted to know.")

AGENT_LINES = [GREETING, PLEASE_HOLD, GUIDANCE, NOT_AVAILABLE, GOODBYE]

Handler = Callable[[ActiveCall], Awaitable[None]]
Act = Callable[["Ada"], Awaitable[None]]


@attrs.define
class Span:
    """How long something was there, in seconds from when the call was placed.

    Attributes:
      name: what: a function that is a task, or what was said.
      start: when it began.
      end: when it ended; infinite until it does.
    """

    name: str
    start: float
    end: float = math.inf


@attrs.define
class PlayedCall:
    """A call in a scene.

    Attributes:
      call: what the exchange knows of it.
      span: from when its caller began to hear, until it was over.
    """

    call: SimulatedCall
    span: Span

    def heard(self, line: Line) -> list[Span]:
        """List when its caller heard a line, or the begin of it."""
        return self._places(line, self.call.caller.heard)

    def said(self, line: Line) -> list[Span]:
        """List when its caller said a line, or the begin of it."""
        return self._places(line, self.call.caller.said)

    def _places(self, line: Line, recording: bytes) -> list[Span]:
        return [
            Span(line.words, self.span.start + at, self.span.start + at + seconds)
            for at, seconds in _places(line, recording)
        ]


@attrs.define
class Scene:
    """What has happened in a call.

    Attributes:
      notes: what was noted, and when, in seconds from when the call was placed.
      pictures: the tree of the call's tasks, each with the time at which it was drawn.
      calls: each call, in the order in which they were answered.
      tasks: the tasks of their handlers.
      lives: how long each task of the agent was there, handlers first.
    """

    notes: list[tuple[float, str]] = attrs.Factory(list)
    pictures: list[tuple[float, str]] = attrs.Factory(list)
    calls: list[PlayedCall] = attrs.Factory(list)
    tasks: list[trio.lowlevel.Task] = attrs.Factory(list)
    lives: list[Span] = attrs.Factory(list)

    @property
    def call(self) -> SimulatedCall:
        """The call, or the first of several."""
        return self.calls[0].call

    def heard(self, line: Line) -> list[tuple[float, float]]:
        """List when callers heard a line begin, and how many seconds of it."""
        return [
            (span.start, span.end - span.start) for call in self.calls for span in call.heard(line)
        ]

    def noted(self, text: str) -> float:
        """Return when something was noted first."""
        return next(seconds for seconds, noted in self.notes if text in noted)

    def is_noted(self, text: str) -> bool:
        """Return whether something was noted."""
        return any(text in noted for _, noted in self.notes)

    def story(self) -> list[tuple[float, str]]:
        """List what was noted and heard, in the order in which it happened."""
        return sorted([*self.notes, *self._hearing()], key=lambda event: event[0])

    def _hearing(self) -> list[tuple[float, str]]:
        return [
            (at, f"Ada hears {_how_much(line, seconds)}“{line.words}”")
            for line in AGENT_LINES
            for at, seconds in self.heard(line)
        ]

    def draw(self) -> str:
        """Draw the tasks of the call; of several calls, only what each of them does."""
        drawings = [
            re.sub(r"^trio_calls: session [-\w]+", "the call", draw_tasks(task))
            for task in self.tasks
        ]
        if len(drawings) == 1:
            return drawings[0]
        counted = Counter(drawing.partition("\n")[0].partition(": ")[2] for drawing in drawings)
        return "".join(f"{number} calls: {what}\n" for what, number in sorted(counted.items()))


#: Those that were played, the present one last.
_scenes: list[Scene] = []
_threads: list[_Threads] = []


def note(text: str) -> None:
    """Note that something happens."""
    _scenes[-1].notes.append((trio.current_time(), text))


def show_tasks() -> None:
    """Draw the tasks of the call, or of all calls, as they are now."""
    scene = _scenes[-1]
    picture = trio.current_time(), scene.draw()
    if picture not in scene.pictures:
        scene.pictures.append(picture)


def block(seconds: float, outcome: str = "") -> None:
    """Take so long in a thread, as `time.sleep` does, and note what comes of it.

    There is no way to stop it meanwhile.
    """
    __tracebackhide__ = True
    threads = _threads[-1]
    trio.from_thread.run(threads.pass_time, seconds, outcome, trio_token=threads.token)


class _Threads(trio.abc.Instrument):
    """Lets virtual time stand still while a thread works, but not while it is in `block`."""

    def __init__(self) -> None:
        self.clock = trio.testing.MockClock(autojump_threshold=0)
        self._blocked = 0

    def before_run(self) -> None:
        self.token = trio.lowlevel.current_trio_token()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        works = trio.testing.active_thread_count() > self._blocked
        threshold = THREAD_SECONDS if works else 0
        if threshold != self.clock.autojump_threshold:
            self.clock.autojump_threshold = threshold

    async def pass_time(self, seconds: float, outcome: str) -> None:
        __tracebackhide__ = True
        self._blocked += 1
        with living(_scenes[-1], "the thread"):
            await trio.sleep(seconds)
        self._blocked -= 1
        if outcome:
            note(outcome)


def is_speech(chunk: bytes) -> bool:
    """Return whether somebody speaks in a piece of audio."""
    return level_dbfs(chunk) > SILENCE_DBFS


class Ada:
    """The person who calls."""

    def __init__(self, call: SimulatedCall) -> None:
        self.call = call

    async def say(self, line: Line) -> None:
        """Say something, to the end or until the line goes dead."""
        note(f"Ada says “{line.words}”")
        try:
            await self.call.caller.say(line)
        except PhoneHungUp:
            note("the line goes dead while Ada speaks")

    def hang_up(self) -> None:
        if self.call.caller.state is not PhoneState.HUNG_UP:
            note("Ada hangs up")
            self.call.caller.hang_up()

    async def stay(self) -> None:
        """Stay on the line until the agent ends the call."""
        await self.call.caller.wait_hung_up()
        note("the line is dead")


async def place_calls(simulator: Simulator, scene: Scene, act: Act, callers: int = 1) -> None:
    """Have Ada call, or several people at once, and wait until all these calls are over."""

    async def play_caller(call: SimulatedCall) -> None:
        await call.caller.wait_talking()
        played = PlayedCall(call, Span("the call", trio.current_time()))
        scene.calls.append(played)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(see_end, played)
            await act(Ada(call))

    async def see_end(played: PlayedCall) -> None:
        await played.call.wait_ended()
        played.span.end = trio.current_time()

    async with trio.open_nursery() as nursery:
        for _ in range(callers):
            nursery.start_soon(play_caller, simulator.place_call())


async def perform(scene: Scene, handle_call: Handler, act: Act, callers: int = 1) -> None:
    """Play calls to their end: of the calls, and of their handlers."""

    async def handle(call: ActiveCall) -> None:
        scene.tasks.append(trio.lowlevel.current_task())
        with living(scene, "the handler"):
            await handle_call(call)

    trio.lowlevel.add_instrument(_Lives(scene))
    async with (
        open_simulator(sample_rate=SAMPLE_RATE) as simulator,
        open_call_client(simulator.config) as client,
    ):
        client.on(events.INCOMING_CALL)(handle)
        await place_calls(simulator, scene, act, callers)
        await client.drain(LAST_SECONDS)


def run(handle_call: Handler, act: Act, callers: int = 1) -> Scene:
    """Play calls in virtual time."""
    scene = Scene()
    run_scene(scene, perform, handle_call, act, callers)
    return scene


def run_scene(scene: Scene, play_it: Callable[..., Awaitable[None]], *args: object) -> None:
    """Play a scene in virtual time: `play_it(scene, *args)`."""
    _scenes.append(scene)
    threads = _Threads()
    _threads.append(threads)
    with _quiet(logging.getLogger("trio_calls")):
        trio.run(play_it, scene, *args, clock=threads.clock, instruments=[threads])


@contextmanager
def living(scene: Scene, name: str) -> Iterator[None]:
    """Keep how long the block takes, as the life of a task or thread."""
    life = Span(name, trio.current_time())
    scene.lives.append(life)
    try:
        yield
    finally:
        life.end = trio.current_time()


class _Lives(trio.abc.Instrument):
    """Keeps how long the tasks live that agents start."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._lives: dict[trio.lowlevel.Task, Span] = {}

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        file = Path(task.coro.cr_code.co_filename)
        if file.parent == STAGE.parent and file != STAGE:
            self._lives[task] = Span(task.coro.__name__, trio.current_time())
            self._scene.lives.append(self._lives[task])

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        if task in self._lives:
            self._lives[task].end = trio.current_time()


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Let nothing but what is fatal be logged inside the block."""
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def play(act: Act, *versions: Handler, callers: int = 1) -> None:
    """Play each version of an agent, and print what happened."""
    parts = [tell(version.__name__, run(version, act, callers)) for version in versions]
    print("\n".join(parts), end="")


def tell(name: str, scene: Scene) -> str:
    """Write down what happened in a scene."""
    story = Counter(f"{seconds:6.1f} s  {text}" for seconds, text in scene.story())
    lines = [f"{name}:"]
    lines += [f"{line} ({n} times)" if n > 1 else line for line, n in story.items()]
    for seconds, picture in scene.pictures:
        lines += ["", f"its tasks at {seconds:.1f} s:", *_indented(picture)]
    return "\n".join(lines) + "\n"


def _places(line: Line, recording: bytes) -> list[tuple[float, float]]:
    """List when a line begins in a recording, and how many seconds of it are there."""
    found = []
    start = recording.find(line[:FRAME])
    while start >= 0:
        end = start + _common_bytes(line, recording[start : start + len(line)])
        # A frame is heard when its time is over.
        found.append((_seconds(start + FRAME), _seconds(end - start)))
        start = recording.find(line[:FRAME], end)
    return found


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _how_much(line: Line, seconds: float) -> str:
    return "" if seconds > _seconds(len(line)) - 0.1 else f"the first {seconds:.1f} s of "


def _common_bytes(line: bytes, recorded: bytes) -> int:
    """Return how many bytes of a line were recorded, in whole samples, before something else."""
    size = min(len(line), len(recorded))
    said, heard = (np.frombuffer(pcm, np.uint8, size) for pcm in (line, recorded))
    differs = np.flatnonzero(said != heard)
    same = int(differs[0]) if len(differs) else size
    return same // SAMPLE_BYTES * SAMPLE_BYTES


def _seconds(pcm_bytes: int) -> float:
    return duration_seconds(pcm_bytes, SAMPLE_RATE)
