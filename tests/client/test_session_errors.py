"""What the exchange refuses about sessions and messages, as the application gets it."""

from __future__ import annotations

from typing import Any

import pytest

from trio_calls import errors
from trio_calls.client.session_errors import (
    MESSAGE_ERRORS,
    SESSION_ERRORS,
    message_refusal_of,
    refusal_of,
)
from trio_calls.sessions import (
    WSSMessageError,
    WSSMessageInDoubtError,
    WSSSessionBusyError,
    WSSSessionError,
    WSSSessionExistsError,
    WSSSessionNotOpenError,
)
from trio_calls.wire.responses import Response

pytestmark = pytest.mark.pure


def quote(words: str) -> str:
    return words.replace("secret", "***")


def refused(code: str | None, content: Any = None) -> Response:
    return Response("r-1", False, error_code=code, error_content=content)


@pytest.mark.parametrize(("code", "kind"), SESSION_ERRORS.items())
def test_each_code_has_its_class(code: str, kind: type[WSSSessionError]) -> None:
    error = refusal_of("to open the session", refused(code), quote, "s-1")
    assert type(error) is kind
    assert (error.error_code, error.session_id) == (code, "s-1")
    assert code in str(error)


@pytest.mark.parametrize(("code", "kind"), MESSAGE_ERRORS.items())
def test_each_code_of_messages_has_its_class(code: str, kind: type[WSSMessageError]) -> None:
    error = message_refusal_of(refused(code, {"quoted": "private"}), quote, "s-1", "m-1")
    assert isinstance(error, WSSMessageError)
    assert type(error) is kind
    assert (error.client_message_id, error.error_content) == ("m-1", {"quoted": "private"})
    assert "private" not in str(error)


def test_no_class_is_without_a_code_that_leads_to_it() -> None:
    defined = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, WSSSessionError)
    }
    no_code_of_the_exchange = {
        *(WSSSessionError, WSSMessageError),
        *(WSSSessionExistsError, WSSMessageInDoubtError),
    }
    assert {*SESSION_ERRORS.values(), *MESSAGE_ERRORS.values()} == defined - no_code_of_the_exchange


def test_a_session_that_is_not_open_takes_no_message() -> None:
    error = message_refusal_of(refused("SESSION_NOT_OPEN"), quote, "s-1", "m-1")
    assert isinstance(error, WSSSessionNotOpenError)


@pytest.mark.parametrize("code", ["SOMETHING_NEW", None])
def test_a_code_that_is_new_or_missing_is_a_plain_error(code: str | None) -> None:
    assert type(refusal_of("it", refused(code), quote)) is WSSSessionError
    assert type(message_refusal_of(refused(code), quote, "s", "m")) is WSSMessageError


def test_who_has_a_busy_session_is_told() -> None:
    error = refusal_of("it", refused("SESSION_BUSY", {"boundSmWsId": "ws-secret"}), quote)
    assert isinstance(error, WSSSessionBusyError)
    assert error.holder == "ws-***"
    assert refusal_of("it", refused("SESSION_BUSY"), quote).__dict__.get("holder") is None


@pytest.mark.parametrize("content", ["no, secret", {"message": "no, secret"}])
def test_words_of_the_exchange_are_quoted(content: object) -> None:
    error = refusal_of("it", refused("FORBIDDEN", content), quote)
    assert error.error_message == "no, ***"
    assert "secret" not in str(error) + repr(vars(error))
