"""What the second wire carries, as JSON: frames, answers and the bodies of HTTP responses.

Any task may call these functions, at any time; they keep nothing.
"""

from __future__ import annotations

import re
from typing import Any, Final

from trio_calls.wire.codec import Vocabulary, compact, parse_body, structure, unstructure
from trio_calls.wire.message import UnknownMessage
from trio_calls.wire.second.control import (
    ClaimedCall,
    ControlMessage,
    CreatedCall,
    SessionOpened,
    SettingUp,
)
from trio_calls.wire.second.media import AGENT_TRACK, MediaMessage
from trio_calls.wire.second.session_list import SessionPage

_CONTROL: Final = Vocabulary(ControlMessage)
_SETTING_UP: Final = Vocabulary(SettingUp)
_MEDIA: Final = Vocabulary(MediaMessage)

#: Finds `drained_ms` and `window_ms` in a `Flow` of the agent's track, in the usual words: nothing
#: that a `Flow` may not have, and whatever else comes is for `decode_media`. There are fifty a
#: second for each call, with numbers of their own: no message is made of them.
match_usual_flow: Final = re.compile(
    rf'\{{"type": ?"flow", ?"data": ?\{{"track_id": ?{AGENT_TRACK}, ?'
    r'"drained_ms": ?(0|[1-9][0-9]{0,11}), ?"window_ms": ?(0|[1-9][0-9]{0,4})\}\}'
).fullmatch


def decode_setup(frame: str) -> SettingUp | UnknownMessage:
    """Read the first frame of a control connection, whichever wire it asks for.

    Raises:
      WireError: the frame cannot be used. It says what is wrong and where, without the content.
    """
    message: SettingUp | UnknownMessage = _SETTING_UP.decode(frame)
    return message


def decode_control(frame: str) -> ControlMessage | UnknownMessage:
    """Read a text frame of the control connection.

    Raises:
      WireError: the frame cannot be used. It says what is wrong and where, without the content.
    """
    message: ControlMessage | UnknownMessage = _CONTROL.decode(frame)
    return message


def decode_media(frame: str) -> MediaMessage | UnknownMessage:
    """Read a text frame of a media connection.

    Raises:
      WireError: the frame cannot be used. It says what is wrong and where, without the content.
    """
    message: MediaMessage | UnknownMessage = _MEDIA.decode(frame)
    return message


def read_opened(content: Any) -> SessionOpened:
    """Read the content of the answer to a `SessionOpen`.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    return structure(content, SessionOpened)


def read_claimed(content: Any) -> ClaimedCall:
    """Read the content of the answer to a `SessionClaim`.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    return structure(content, ClaimedCall)


def read_created_call(content: Any) -> CreatedCall:
    """Read the content of the answer to a `CreateCall`.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    return structure(content, CreatedCall)


def content_of(answer: SessionOpened | ClaimedCall | CreatedCall) -> dict[str, Any]:
    """Return what a `Response` carries as its content."""
    return unstructure(answer)


def encode_session_page(page: SessionPage) -> bytes:
    """Return the body of the HTTP response that is a page of sessions."""
    return compact(unstructure(page)).encode()


def decode_session_page(body: bytes) -> SessionPage:
    """Read the body of the HTTP response that is a page of sessions.

    Raises:
      WireError: it cannot be used. It says what is wrong and where, without the content.
    """
    return structure(parse_body(body), SessionPage)
