"""The tree of tasks, as text and as what a program reads."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import CodeType

import pytest
import trio
import trio.testing

from trio_calls import ActiveCall
from trio_calls.simulator import Simulator
from trio_calls.testing import TaskNode, draw_tasks, run_agent, task_tree

pytest.importorskip("stackscope")


async def wait_for_ever() -> None:
    await trio.sleep_forever()


def drawn_from_here(root: trio.lowlevel.Task) -> list[str]:
    """Draw a test, without its first line: it has the name of the test."""
    return draw_tasks(root).splitlines()[1:]


async def test_a_nursery_has_its_children_below_it(autojump_clock: object) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_ever)
        nursery.start_soon(wait_for_ever, name="another name")
        await trio.testing.wait_all_tasks_blocked()
        assert drawn_from_here(trio.lowlevel.current_task()) == [
            "└─ nursery",
            "   ├─ another name: await trio.sleep_forever()",
            "   └─ wait_for_ever: await trio.sleep_forever()",
        ]
        nursery.cancel_scope.cancel()


async def test_who_asks_is_running_and_who_is_new_has_not_begun() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_ever)
        this, drawn = draw_tasks(trio.lowlevel.current_task()).splitlines()[::2]
        assert this.endswith(": runs")
        assert drawn == "   └─ wait_for_ever: has not begun"
        nursery.cancel_scope.cancel()


async def test_scopes_say_what_holds_for_them(autojump_clock: object) -> None:
    shields: list[trio.CancelScope] = []

    async def work() -> None:
        with trio.move_on_after(2.5):
            assert shields == []
            with trio.CancelScope(shield=True) as shield:
                shields.append(shield)
                await trio.sleep_forever()

    async with trio.open_nursery() as workers:
        workers.start_soon(work)
        await trio.testing.wait_all_tasks_blocked()
        workers.cancel_scope.cancel()
        assert drawn_from_here(trio.lowlevel.current_task()) == [
            "└─ nursery workers, cancelled",
            "   └─ work: await trio.sleep_forever()",
            "      └─ with trio.move_on_after(2.5), 2.5 s left",
            "         └─ with trio.CancelScope(shield=True) as shield, shielded",
        ]
        (worker,) = task_tree(trio.lowlevel.current_task()).scopes[-1].tasks
        scope = worker.scopes[-1]
        assert (scope.name, scope.is_nursery, scope.is_shielded) == ("shield", False, True)
        assert scope.opened_at is not None
        code, start = inspect.getsourcelines(work)
        assert code[scope.opened_at.number - start].strip() == f"{scope.opened_at.text}:"
        assert scope.opened_at.function == "work"
        shields[0].cancel()


async def test_who_leaves_a_nursery_waits_for_its_children() -> None:
    async def parent() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for_ever)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(parent)
        await trio.testing.wait_all_tasks_blocked()
        assert drawn_from_here(trio.lowlevel.current_task()) == [
            "└─ nursery",
            "   └─ parent: waits for its children",
            "      └─ nursery",
            "         └─ wait_for_ever: await trio.sleep_forever()",
        ]
        nursery.cancel_scope.cancel()


def wait_in_thread(begun: trio.Event, goes_on: threading.Event) -> None:
    trio.from_thread.run_sync(begun.set)
    wait_hidden(goes_on)


def wait_hidden(goes_on: threading.Event) -> None:
    __tracebackhide__ = True
    goes_on.wait()


async def test_who_waits_for_a_thread_shows_where_that_is() -> None:
    begun, goes_on = trio.Event(), threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, wait_in_thread, begun, goes_on)
        await begun.wait()
        drawn = ""
        with trio.move_on_after(10):
            # The thread goes on when it is told that it has begun.
            while not drawn.endswith(": wait_hidden(goes_on)"):
                await trio.sleep(0.001)
                drawn = drawn_from_here(trio.lowlevel.current_task())[1]
        goes_on.set()
    assert drawn.endswith(": wait_hidden(goes_on)")


@asynccontextmanager
async def open_helper() -> AsyncIterator[None]:
    async with trio.open_nursery() as helpers:
        helpers.start_soon(wait_for_ever)
        yield
        helpers.cancel_scope.cancel()


async def test_what_a_block_of_others_has_open_is_seen() -> None:
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def user() -> None:
            with trio.fail_after(100):
                async with open_helper():
                    await trio.sleep_forever()

        await trio.testing.wait_all_tasks_blocked()
        drawn = drawn_from_here(trio.lowlevel.current_task())
        assert drawn[1] == "   └─ user: await trio.sleep_forever()"
        assert drawn[2].startswith("      └─ with trio.fail_after(100), ")
        assert drawn[3:] == [
            "         └─ nursery helpers",
            "            └─ wait_for_ever: await trio.sleep_forever()",
        ]
        nursery.cancel_scope.cancel()


async def test_details_say_where_it_is_written() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_ever)
        await trio.testing.wait_all_tasks_blocked()
        _, start = inspect.getsourcelines(wait_for_ever)
        last = draw_tasks(details=True).splitlines()[-1]
        assert last.endswith(f"await trio.sleep_forever()  (test_draw_tasks.py:{start + 1})")
        nursery.cancel_scope.cancel()


async def listen(call: ActiveCall) -> None:
    async for _ in call.audio_stream():
        pass


async def test_a_call_shows_its_handler_and_names_of_ours(simulator: Simulator) -> None:
    async def handle_call(call: ActiveCall) -> None:
        await call.answer()
        with call.cancel_on_hangup():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(listen, call)
                nursery.start_soon(call.wait_disconnected)

    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(1)
        ours = find_call(task_tree())
        call.caller.hang_up()
        await call.wait_ended()
    assert ours.state == "waits for its children"
    assert [scope.opened_at.text for scope in ours.scopes if scope.opened_at is not None][-2:] == [
        "with call.cancel_on_hangup()",
        "async with trio.open_nursery() as nursery",
    ]
    (ear,) = (task for task in ours.scopes[-1].tasks if not task.is_library)
    assert ear.name == "listen"
    assert ear.waits_at is not None
    assert ear.waits_at.text == "async for _ in call.audio_stream()"
    names = {task.name for scope in ours.scopes for task in scope.tasks}
    assert names >= {
        "ActiveCall.wait_disconnected",
        "trio_calls: leaving",
        "trio_calls: handlers of events",
        "trio_calls: media connection",
    }


def find_call(task: TaskNode) -> TaskNode:
    """Return the task that a call is served by, from anywhere in the tree below a task."""
    found = list(calls_below(task))
    assert len(found) == 1
    return found[0]


def calls_below(task: TaskNode) -> list[TaskNode]:
    below = [
        found for scope in task.scopes for child in scope.tasks for found in calls_below(child)
    ]
    return [task] if task.name.startswith("trio_calls: session") else below


async def test_which_extra_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stackscope", None)
    with pytest.raises(ModuleNotFoundError, match="install the extra 'tasks' of trio-calls"):
        draw_tasks()


async def test_where_stackscope_knows_no_lines(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    # As it is on Python 3.13, whose `dis` tells less of lines, and which leaves blocks otherwise.
    import stackscope._lowlevel as frames  # noqa: PLC0415

    analyze = frames.analyze_with_blocks

    def analyze_without_lines(code: CodeType) -> object:
        blocks = analyze(code)
        for block in blocks.values():
            block.start_line = False
        return blocks

    async def parent() -> None:
        with trio.move_on_after(5):
            async with trio.open_nursery() as children:
                children.start_soon(wait_for_ever)

    monkeypatch.setattr(frames, "analyze_with_blocks", analyze_without_lines)
    monkeypatch.setattr(frames, "currently_exiting_context", lambda frame: None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(parent)
        await trio.testing.wait_all_tasks_blocked()
        (task,) = (child for child in nursery.child_tasks if "parent" in child.name)
        assert draw_tasks(task) == (
            "parent: waits for its children\n"
            "└─ with trio.move_on_after(5), 5.0 s left\n"
            "   └─ nursery children\n"
            "      └─ wait_for_ever: await trio.sleep_forever()\n"
        )
        nursery.cancel_scope.cancel()


async def test_where_python_is_not_known_nurseries_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import stackscope._extract as extraction  # noqa: PLC0415

    def fail(*arguments: object) -> object:
        raise RuntimeError("this version of Python is not known")

    monkeypatch.setattr(extraction, "contexts_active_in_frame", fail)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_ever)
        await trio.testing.wait_all_tasks_blocked()
        # And one that pytest-trio has opened around it.
        *_, parent, child = drawn_from_here(trio.lowlevel.current_task())
        assert parent.lstrip() == "└─ nursery"
        assert child.lstrip() == "└─ wait_for_ever: await trio.sleep_forever()"
        nursery.cancel_scope.cancel()
