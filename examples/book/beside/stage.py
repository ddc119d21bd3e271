"""The stage of the book for the official client: the same exchange, telephones, and clock.

`play` runs each version of an agent, and prints what happened, as `examples.book.stage.play` does.
What asyncio and the client log is noted, too.
"""

from __future__ import annotations

import asyncio
import inspect
import linecache
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import telcoflow
import trio

from examples.book.beside.guest_loop import GuestLoop, run_asyncio
from examples.book.stage import (
    LAST_SECONDS,
    SAMPLE_RATE,
    Act,
    Line,
    Scene,
    Span,
    living,
    note,
    place_calls,
    run_scene,
    show_tasks,
    tell,
)
from trio_calls.audio import duration_seconds
from trio_calls.simulator import Simulator, open_simulator

Handler = Callable[[telcoflow.Call], Awaitable[None]]

STAGE = Path(__file__)


def seconds(line: Line) -> float:
    """Return how long it takes to say something."""
    return duration_seconds(len(line), SAMPLE_RATE)


@attrs.define
class BesideScene(Scene):
    """What has happened in a call to an agent of asyncio.

    Attributes:
      running: the tasks that it has started and that have not ended, oldest first.
    """

    running: list[asyncio.Task[Any]] = attrs.Factory(list)

    def draw(self) -> str:
        """List the tasks. asyncio keeps no tree of them: nobody knows who waits for whom."""
        places = Counter(map(_place, self.running))
        lines = [f"{place} ({n} times)" if n > 1 else place for place, n in places.items()]
        return "".join(f"{line}\n" for line in lines or ["none"])

    def make_task(
        self, loop: asyncio.AbstractEventLoop, program: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """Make a task for asyncio, and keep how long it lives if it is one of the agent's."""
        task = asyncio.Task(program, loop=loop, **options)
        if inspect.iscoroutine(program) and _is_own(program.cr_code.co_filename):
            life = Span(program.__name__, trio.current_time())
            self.lives.append(life)
            self.running.append(task)
            task.add_done_callback(lambda task: self._has_ended(task, life))
        return task

    def _has_ended(self, task: asyncio.Task[Any], life: Span) -> None:
        self.running.remove(task)
        life.end = trio.current_time()


def run(handle_call: Handler, act: Act, callers: int = 1) -> BesideScene:
    """Play calls in virtual time."""
    scene = BesideScene()
    with _noted_log():
        run_scene(scene, perform, handle_call, act, callers)
    return scene


def play(act: Act, *versions: Handler, callers: int = 1) -> None:
    """Play each version of an agent, and print what happened."""
    parts = [tell(version.__name__, run(version, act, callers)) for version in versions]
    print("\n".join(parts), end="")


async def perform(scene: BesideScene, handle_call: Handler, act: Act, callers: int = 1) -> None:
    """Play calls to their end: of the calls, and of the tasks of the agent."""
    async with open_simulator(sample_rate=SAMPLE_RATE) as simulator:

        async def main() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, GuestLoop)
            loop.set_task_factory(scene.make_task)
            loop.set_exception_handler(lambda _, context: note(f"asyncio: {context['message']}"))
            async with telcoflow.SessionManager(_config(simulator)) as manager:
                _take_calls(manager, scene, handle_call)
                await loop.in_trio(place_calls, simulator, scene, act, callers)
                await _see_tasks_end(scene)

        open_stream = simulator.config.open_stream
        assert open_stream is not None
        await run_asyncio(main, open_stream)


def _config(simulator: Simulator) -> telcoflow.SessionManagerConfig:
    return telcoflow.SessionManagerConfig.create(
        api_key=simulator.config.api_key,
        connector_uuid=simulator.config.connector_uuid,
        base_url=simulator.config.base_url,
        call_audio=telcoflow.CallAudioConfig(sample_rate=SAMPLE_RATE),
    )


def _take_calls(
    manager: telcoflow.SessionManager, scene: BesideScene, handle_call: Handler
) -> None:
    async def handle(call: telcoflow.Call) -> None:
        task = asyncio.current_task()
        assert task is not None
        scene.running.append(task)
        try:
            with living(scene, "the handler"):
                await handle_call(call)
        finally:
            scene.running.remove(task)

    async def take(offer: telcoflow.SessionNotification) -> None:
        session = await manager.open_session(offer.session_id)
        session.on_incoming_call(handle)
        await session.ready()

    manager.on_session_notification(take)


async def _see_tasks_end(scene: BesideScene) -> None:
    """Wait until the agent's tasks have ended, but not for ever; show what is left then."""
    if scene.running:
        await asyncio.wait(list(scene.running), timeout=LAST_SECONDS)
    if scene.running:
        show_tasks()
        # What ends from here on would not have ended by itself.
        scene.lives = [attrs.evolve(life) for life in scene.lives]


def _place(task: asyncio.Task[Any]) -> str:
    """Say at which line of the agent a task waits, and in which function it began."""
    frames = [frame for frame in _frames(task.get_coro()) if _is_own(frame.f_code.co_filename)]
    if not frames:
        return "has not begun"
    line = linecache.getline(frames[-1].f_code.co_filename, frames[-1].f_lineno)
    text = line.strip().partition("  #")[0].removesuffix(":")
    return f"{frames[0].f_code.co_name}: {text}"


def _frames(awaited: object) -> Iterator[Any]:
    while inspect.iscoroutine(awaited) and awaited.cr_frame is not None:
        yield awaited.cr_frame
        awaited = awaited.cr_await


def _is_own(file: str) -> bool:
    path = Path(file)
    return path.parent == STAGE.parent and path.name not in {STAGE.name, "guest_loop.py"}


class _NotingHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        about = f": {error.__name__}" if error else ""
        note(f"the log: {record.getMessage()}{about}")


@contextmanager
def _noted_log() -> Iterator[None]:
    """Note what the official client and asyncio log, instead of writing it to the terminal."""
    loggers = [logging.getLogger(name) for name in ("telcoflow", "websockets", "asyncio")]
    handler = _NotingHandler(logging.WARNING)
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.propagate = True
