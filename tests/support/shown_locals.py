"""What a traceback with local variables shows of the package's frames, and of those below it."""

import traceback
from pathlib import Path

_TESTS = str(Path(__file__).parent.parent)


def shown_locals(error: BaseException) -> str:
    """Format the variables of every frame that is not one of the tests', as tools such as rich do.

    Also of errors behind this one, whether or not a traceback would show them.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    lines = []
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        shown = traceback.TracebackException.from_exception(each, capture_locals=True)
        for frame in shown.stack:
            if not frame.filename.startswith(_TESTS):
                lines += [
                    f"{frame.name}: {name} = {text}" for name, text in (frame.locals or {}).items()
                ]
    return "\n".join(lines)
