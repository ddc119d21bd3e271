"""The tree of tasks as it stands: who runs in which nursery, and what each waits for.

Tasks and nurseries are asked of Trio, by its public attributes. What Trio does not tell, stackscope
does: which cancel scopes are open in a task, nurseries among them, and in which order.
"""

from __future__ import annotations

import inspect
import linecache
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal

import attrs
import trio

from trio_calls.testing._with_lines import open_with_lines

if TYPE_CHECKING:
    import stackscope

#: Whose functions are not a reader's own.
_LIBRARIES: Final = ("trio", "trio_calls", "trio_websocket", "pytest_trio", "outcome")
_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib")

TaskState = Literal["waits", "waits for its children", "runs", "has not begun", "has ended"]


@attrs.frozen
class CodeLine:
    """A line of a program.

    Attributes:
      text: what is written there, without the blanks around it, a comment, and a colon at its end.
      function: the name of the function that it is in.
      file: the path of the file.
      number: the number of the line, from 1 on.
    """

    text: str
    function: str
    file: str
    number: int


@attrs.frozen
class ScopeNode:
    """An open nursery, or another cancel scope.

    Attributes:
      is_nursery: whether it is a nursery.
      name: the variable that holds it; None if none does.
      opened_at: the line that has opened it; None if that cannot be told.
      is_library: whether that line is known, and the SDK's, Trio's, or of the standard library.
      is_cancelled: whether it has been cancelled.
      is_shielded: whether what is in it is shielded from the cancellation of what is around it.
      seconds_left: how long until its deadline, 0 if that is over; infinite if it has none.
      tasks: who runs in the nursery, in the order of their names.
    """

    is_nursery: bool
    name: str | None
    opened_at: CodeLine | None
    is_library: bool
    is_cancelled: bool
    is_shielded: bool
    seconds_left: float
    tasks: tuple[TaskNode, ...] = ()


@attrs.frozen
class TaskNode:
    """A task.

    Attributes:
      name: its name; where that is the name of its function, without the module's.
      state: what it does.
      waits_at: the line at which it waits, or its thread works: the innermost one outside the SDK,
        Trio and the standard library, or if there is no such line, the innermost outside Trio; None
        if it does not wait. Functions with ``__tracebackhide__`` are passed over, as by pytest.
      is_library: whether it runs no function but theirs.
      scopes: what is open in it, the outermost first. Each is inside the one before.
    """

    name: str
    state: TaskState
    waits_at: CodeLine | None
    is_library: bool
    scopes: tuple[ScopeNode, ...]


def task_tree(root: trio.lowlevel.Task | None = None) -> TaskNode:
    """Look at the tree of tasks as it stands. `draw_tasks` makes a text of it.

    Needs stackscope, which the extras ``testing`` and ``tasks`` bring. Where that cannot look into
    a task, as with a version of Python that it does not know, the nurseries are there and other
    cancel scopes are missing.

    Args:
      root: the task to begin with; None for the whole program, which is the main task of
        `trio.run`.

    Raises:
      ModuleNotFoundError: stackscope is not installed.
      RuntimeError: this is not called from a task of Trio.

    Nothing is awaited and nothing is changed, so it can be called at any time in Trio's thread.
    """
    return _look_at(_main_task() if root is None else root)


def _main_task() -> trio.lowlevel.Task:
    """Return the task that the caller's descends from, and all others of the program do."""
    task = trio.lowlevel.current_task()
    init = trio.lowlevel.current_root_task()
    while task.parent_nursery is not None and task.parent_nursery.parent_task is not init:
        task = task.parent_nursery.parent_task
    return task


def _look_at(task: trio.lowlevel.Task) -> TaskNode:
    try:
        from stackscope import extract  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "the tree of tasks needs stackscope, which is not installed: "
            "install the extra 'tasks' of trio-calls"
        ) from None

    with warnings.catch_warnings():
        # So stackscope says that it does not know this version of Python.
        warnings.simplefilter("ignore")
        frames = extract(task).frames
    places = [place for place in _scopes_in(frames) if not _is_trios_own(place)]
    seen = {place.scope for place in places}
    # What stackscope could not see, Trio knows all the same.
    unseen = [nursery for nursery in task.child_nurseries if nursery not in seen]
    leaving = _leaving_nursery(frames)
    places += [_Place(nursery) for nursery in unseen[:-1]]
    places += [_Place(nursery, frame=leaving) for nursery in unseen[-1:]]
    own = [frame for frame in frames if not _is_library(frame) and not _is_hidden(frame)]
    state = _state(task, frames)
    waiting = own or [frame for frame in frames if not _is_of(frame, ["trio"])]
    return TaskNode(
        name=_short_name(task),
        state=state,
        waits_at=_line(waiting[-1], waiting[-1].lineno) if waiting and state == "waits" else None,
        is_library=not own,
        scopes=tuple(map(_scope_node, places)),
    )


def _short_name(task: trio.lowlevel.Task) -> str:
    """Return a task's name, without what only tells in which file its function is."""
    qualified = task.coro.__qualname__
    return qualified.rpartition("<locals>.")[2] if task.name.endswith(qualified) else task.name


def _state(task: trio.lowlevel.Task, frames: Sequence[stackscope.Frame]) -> TaskState:
    match inspect.getcoroutinestate(task.coro):
        case inspect.CORO_CREATED:
            return "has not begun"
        case inspect.CORO_RUNNING:
            return "runs"
        case inspect.CORO_CLOSED:
            return "has ended"
    return "waits" if _leaving_nursery(frames) is None else "waits for its children"


def _leaving_nursery(frames: Sequence[stackscope.Frame]) -> stackscope.Frame | None:
    """Return the frame that waits for the end of a nursery's block, and for nothing inside it."""
    callers = [number for number, frame in enumerate(frames) if not _is_of(frame, ["trio"])]
    if not callers or callers[-1] + 1 == len(frames):
        return None
    called = frames[callers[-1] + 1]
    block = type(trio.open_nursery())
    is_end = called.funcname == "__aexit__"
    is_nurserys = isinstance(called.pyframe.f_locals.get("self"), block)
    return frames[callers[-1]] if is_end and is_nurserys else None


@attrs.frozen(eq=False)
class _Place:
    """A scope that is open, and where it was opened."""

    scope: trio.Nursery | trio.CancelScope
    context: stackscope.Context | None = None
    frame: stackscope.Frame | None = attrs.field(default=None, repr=False)


def _is_trios_own(place: _Place) -> bool:
    """Return whether a scope is but a part of how Trio sleeps, and the like."""
    is_block = isinstance(place.scope, trio.CancelScope)
    return is_block and place.frame is not None and _is_of(place.frame, ["trio"])


def _scopes_in(frames: Iterable[stackscope.Frame]) -> Iterator[_Place]:
    """Yield what is open in some frames, from the outermost on."""
    for frame in frames:
        yield from _scopes_of(frame.contexts, frame)


def _scopes_of(
    contexts: Iterable[stackscope.Context | stackscope.Stack], frame: stackscope.Frame
) -> Iterator[_Place]:
    import stackscope  # noqa: PLC0415  # of an extra

    for context in contexts:
        if isinstance(context, stackscope.Stack):
            continue
        scope = _scope_of(context.obj)
        if scope is not None:
            yield _Place(scope, context, frame)
        elif context.inner_stack is not None:
            for place in _scopes_in(context.inner_stack.frames):
                # A block such as `trio.fail_after` is called by the line that the reader wrote.
                is_block = not isinstance(place.scope, trio.Nursery)
                yield _Place(place.scope, context, frame) if is_block else place
        else:
            yield from _scopes_of(context.children, frame)


def _scope_of(manager: object) -> trio.Nursery | trio.CancelScope | None:
    if isinstance(manager, trio.Nursery | trio.CancelScope):
        return manager
    # Blocks of our own, such as `ActiveCall.cancel_on_hangup`, have one, and show it.
    scope = getattr(manager, "cancel_scope", None)
    return scope if isinstance(scope, trio.CancelScope) else None


def _scope_node(place: _Place) -> ScopeNode:
    is_nursery = isinstance(place.scope, trio.Nursery)
    tasks: Iterable[trio.lowlevel.Task] = ()
    scope = place.scope
    if isinstance(scope, trio.Nursery):
        tasks, scope = scope.child_tasks, scope.cancel_scope
    number = _start_line(place)
    return ScopeNode(
        is_nursery=is_nursery,
        name=_variable(place),
        opened_at=_line(place.frame, number) if place.frame is not None and number else None,
        is_library=place.frame is not None and _is_library(place.frame),
        is_cancelled=scope.cancel_called,
        is_shielded=scope.shield,
        seconds_left=max(0.0, scope.deadline - trio.current_time()),
        # Trio keeps a set of them, and does not tell which is older.
        tasks=tuple(sorted(map(_look_at, tasks), key=lambda task: (task.name, repr(task)))),
    )


def _start_line(place: _Place) -> int | None:
    """Return the number of the line that has opened a block, if that can be told."""
    context, frame = place.context, place.frame
    if frame is None:
        return None
    if context is None:
        # Who leaves a block is back at its first line.
        return frame.lineno
    if not isinstance(context.start_line, bool):
        return context.start_line
    # From Python 3.13 on, stackscope takes "a line starts here" for the line's number.
    lines = open_with_lines(frame.pyframe.f_code, frame.pyframe.f_lasti)
    blocks = list(frame.contexts)
    if context not in blocks or len(lines) != len(blocks):
        return None
    return lines[blocks.index(context)]


def _variable(place: _Place) -> str | None:
    """Return the name of the variable that holds a scope, if one does."""
    if place.context is not None:
        return place.context.varname
    variables = {} if place.frame is None else place.frame.pyframe.f_locals
    return next((name for name, value in variables.items() if value is place.scope), None)


def _line(frame: stackscope.Frame, number: int) -> CodeLine:
    line = linecache.getline(frame.filename, number, frame.pyframe.f_globals)
    text = line.strip().partition("  #")[0]
    if text.endswith("("):
        text += "…)"
    return CodeLine(text.removesuffix(":"), frame.funcname, frame.filename, number)


def _is_library(frame: stackscope.Frame) -> bool:
    is_standard = frame.filename.startswith(_STANDARD_LIBRARY) and "-packages" not in frame.filename
    return is_standard or _is_of(frame, _LIBRARIES)


def _is_hidden(frame: stackscope.Frame) -> bool:
    return "__tracebackhide__" in frame.pyframe.f_code.co_varnames


def _is_of(frame: stackscope.Frame, packages: Iterable[str]) -> bool:
    return (frame.modname or "").partition(".")[0] in packages
