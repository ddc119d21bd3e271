"""Draws the tree of tasks as text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import trio

from trio_calls.testing._task_tree import CodeLine, ScopeNode, TaskNode, task_tree

#: A line, and what hangs below it.
_Branch: TypeAlias = "tuple[str, list[_Branch]]"


def draw_tasks(root: trio.lowlevel.Task | None = None, *, details: bool = False) -> str:
    """Draw the tree of tasks as it stands, as text that ends with a line break.

    ::

        handle_call: waits for its children
        └─ nursery
           ├─ listen: async for chunk in call.audio_stream()
           └─ talk: await call.wait_audio_sent()

    A task has one line: its name and what it does, or the line of your code at which it waits.
    Below it stands what is open in it, a line each: a nursery, with the tasks that run in it, or
    another cancel scope, with what is inside it. Behind that stands whether it is cancelled or
    shielded, and how long it is until its deadline.

    Scopes that the SDK has opened are left out, as long as they are neither cancelled nor shielded,
    and of its tasks only the names are shown.

    Args:
      root: the task to begin with; None for the whole program, which is the main task of
        `trio.run`.
      details: whether to leave nothing out, and to add files and line numbers.

    Raises:
      ModuleNotFoundError: stackscope is not installed, which the extras ``testing`` and ``tasks``
        bring.
      RuntimeError: this is not called from a task of Trio.

    Nothing is awaited and nothing is changed, so it can be called at any time in Trio's thread. It
    takes a millisecond or two for each task, and no other task runs meanwhile. For a program to
    read, rather than a person, there is `task_tree`.
    """
    line, below = _task_branch(task_tree(root), details)
    return "".join(f"{text}\n" for text in [line, *_indented(below)])


def _indented(branches: list[_Branch]) -> Iterator[str]:
    for number, (line, below) in enumerate(branches, 1):
        is_last = number == len(branches)
        yield ("└─ " if is_last else "├─ ") + line
        for text in _indented(below):
            yield ("   " if is_last else "│  ") + text


def _task_branch(task: TaskNode, details: bool) -> _Branch:
    return _task_line(task, details), _scope_branches(task.scopes, details)


def _scope_branches(scopes: tuple[ScopeNode, ...], details: bool) -> list[_Branch]:
    """Make the branches of scopes, each of which is inside the one before."""
    if not scopes:
        return []
    scope, *inner = scopes
    below = [_task_branch(task, details) for task in scope.tasks]
    below += _scope_branches(tuple(inner), details)
    is_worth_a_line = not scope.is_library or scope.is_cancelled or scope.is_shielded
    return [(_scope_line(scope, details), below)] if details or is_worth_a_line else below


def _task_line(task: TaskNode, details: bool) -> str:
    if task.waits_at is None:
        return f"{task.name}: {task.state}"
    if task.is_library and not details:
        return task.name
    return f"{task.name}: {task.waits_at.text}{_place(task.waits_at, details)}"


def _scope_line(scope: ScopeNode, details: bool) -> str:
    line = scope.opened_at
    if scope.is_nursery or line is None or (scope.is_library and not details):
        kind = "nursery" if scope.is_nursery else "cancel scope"
        is_named = scope.name not in {None, "nursery"} and not scope.is_library
        words = [f"{kind} {scope.name}" if is_named else kind]
    else:
        words = [line.text]
    if scope.is_cancelled:
        words.append("cancelled")
    if scope.is_shielded:
        words.append("shielded")
    if scope.seconds_left < math.inf and not scope.is_cancelled:
        words.append(f"{scope.seconds_left:.1f} s left")
    return ", ".join(words) + ("" if line is None else _place(line, details))


def _place(line: CodeLine, details: bool) -> str:
    return f"  ({Path(line.file).name}:{line.number})" if details else ""
