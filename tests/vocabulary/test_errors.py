import copy
import pickle
import re
from collections.abc import Callable

import pytest

from trio_calls import errors
from trio_calls.errors import (
    WSSAuthenticationError,
    WSSCallCommandError,
    WSSCallError,
    WSSCallFaultError,
    WSSConfigError,
    WSSConnectionError,
    WSSError,
    WSSTLSError,
    WSSUnavailableError,
    WSSUnreachableError,
    WSSVersionError,
)

EVERY_ERROR = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, BaseException)
]


@pytest.mark.parametrize("error", EVERY_ERROR)
def test_every_error_can_be_caught_as_a_wss_error(error: type[BaseException]) -> None:
    assert issubclass(error, WSSError)


BUSY = WSSUnavailableError("busy", status_code=503, retry_after=2.5)
REFUSED = WSSCallCommandError("call.connect", "CALL_UNANSWERED", "nobody picked up")
FAULT = WSSCallFaultError("TTS_SESSION_ERROR")
PLAIN = [kind("why") for kind in EVERY_ERROR if kind not in {type(REFUSED), type(FAULT)}]


def pickled(error: WSSError) -> WSSError:
    remade: WSSError = pickle.loads(pickle.dumps(error))
    return remade


@pytest.mark.parametrize("remake", [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize("error", [*PLAIN, BUSY, REFUSED, FAULT], ids=repr)
def test_an_error_survives_the_way_to_another_process(
    error: WSSError, remake: Callable[[WSSError], WSSError]
) -> None:
    error.add_note("a note")
    remade = remake(error)
    assert type(remade) is type(error)
    assert (str(remade), vars(remade)) == (str(error), vars(error))


def drawn_parents() -> dict[str, str | None]:
    """Reads the tree of the module's docstring: who hangs under whom."""
    parents: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ([│├└─ ]*)(WSS\w+|Buffer\w+)", line)
        if match is None:
            continue
        depth = len(match[1])
        path = [(outer, name) for outer, name in path if outer < depth]
        parents[match[2]] = path[-1][1] if path else None
        path.append((depth, match[2]))
    return parents


def test_the_tree_in_the_documentation_is_the_tree_in_code() -> None:
    in_code = {
        error.__name__: None if error is WSSError else error.__mro__[1].__name__
        for error in EVERY_ERROR
    }
    assert drawn_parents() == in_code


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (WSSAuthenticationError, True),
        (WSSVersionError, True),
        (WSSTLSError, False),
        (WSSUnreachableError, False),
        (WSSUnavailableError, False),
        (WSSConnectionError, False),
    ],
)
def test_an_error_says_whether_trying_again_is_pointless(
    error: type[WSSConnectionError], is_final: bool
) -> None:
    assert error("no").is_final is is_final


def test_a_refused_connection_keeps_its_http_status() -> None:
    assert WSSAuthenticationError("no", status_code=403).status_code == 403
    assert WSSUnreachableError("no").status_code is None


def test_a_refused_command_tells_what_the_exchange_said() -> None:
    error = WSSCallCommandError("call.connect", "CALL_UNANSWERED", "nobody picked up")
    assert isinstance(error, WSSCallError)
    assert (error.error_code, error.error_message) == ("CALL_UNANSWERED", "nobody picked up")
    assert str(error) == "the exchange refused call.connect (CALL_UNANSWERED): nobody picked up"


@pytest.mark.parametrize(
    "error", [WSSCallCommandError("call.answer", "TIMEOUT"), WSSCallFaultError("TTS")]
)
def test_an_error_without_a_message_ends_with_its_code(
    error: WSSCallCommandError | WSSCallFaultError,
) -> None:
    assert error.error_message is None
    assert str(error).endswith(f"({error.error_code})")


def test_a_fault_tells_what_the_exchange_said() -> None:
    error = WSSCallFaultError("TTS_SESSION_ERROR", "no voice")
    assert (error.error_code, error.error_message) == ("TTS_SESSION_ERROR", "no voice")
    assert str(error).endswith("(TTS_SESSION_ERROR): no voice")


def test_a_bad_setting_is_also_a_value_error() -> None:
    assert issubclass(WSSConfigError, ValueError)
