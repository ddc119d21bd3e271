"""Sending written messages, and what is known of each afterwards.

::

    refused here      WSSMessagePayloadError, WSSSessionClosedError     nothing was sent
    not sent          WSSConnectionError                                nothing was sent
    answered          SentMessage, or the error of the refusal
    not answered      WSSMessageInDoubtError                            nobody knows

A message is sent once. The wire has no way to ask about it, and none to send it again under the
same id, so that whether to try again is for the application to say.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import trio

from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.conversation_values import SentMessage
from trio_calls.client.message_session import MessageSession
from trio_calls.client.session_errors import message_refusal_of
from trio_calls.errors import (
    WSSConnectionError,
    WSSMessageInDoubtError,
    WSSMessagePayloadError,
    WSSSessionClosedError,
)
from trio_calls.wire.codec import WireError, encode_strictly
from trio_calls.wire.names import SESSION_NOT_FOUND
from trio_calls.wire.responses import Response

#: How long the exchange has to answer, and how long a message may wait to be sent.
MESSAGE_SECONDS: Final = 30.0

#: So many messages of a client are on their way at once; further ones wait for their turn.
MAX_MESSAGES_ON_THEIR_WAY: Final = 1000


class OutgoingMessages:
    """Sends the messages of all conversations of a client.

    Args:
      control: where they are sent.
      on_refusal: called with the session of a message that was refused, and the code.
    """

    def __init__(
        self,
        control: ControlConnection,
        on_refusal: Callable[[MessageSession, str | None], None],
    ) -> None:
        self._control = control
        self._on_refusal = on_refusal
        self._turns = trio.Semaphore(MAX_MESSAGES_ON_THEIR_WAY)

    async def send(self, session: MessageSession, api_version: str, data: Any) -> SentMessage:
        """Send a message. See `Conversation.send`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        request_id, client_message_id = str(uuid.uuid4()), str(uuid.uuid4())
        frame = self._compose(request_id, session.session_id, client_message_id, api_version, data)
        await self._wait_for_turn(session)
        try:
            connection_id = self._control.connection_id
            response = await self._control.ask(request_id, frame, within_seconds=MESSAGE_SECONDS)
            if await self._opened_again(session, response):
                request_id = str(uuid.uuid4())
                frame = self._compose(
                    request_id, session.session_id, client_message_id, api_version, data
                )
                response = await self._control.ask(
                    request_id, frame, within_seconds=MESSAGE_SECONDS
                )
        finally:
            self._turns.release()
        if response is None:
            is_lost = not self._control.is_present(connection_id)
            raise _doubt(session.session_id, client_message_id, is_lost=is_lost)
        if not response.is_ok:
            self._on_refusal(session, response.error_code)
            raise message_refusal_of(
                response, self._control.quote, session.session_id, client_message_id
            )
        return SentMessage(client_message_id, response.content)

    def _compose(
        self,
        request_id: str,
        session_id: str,
        client_message_id: str,
        api_version: object,
        data: object,
    ) -> str:
        """Make the frame of a message, or say what is wrong with it without what it says."""
        if not isinstance(api_version, str):
            fault = f"api_version must be text, not {type(api_version).__name__}"
        elif not isinstance(data, Mapping):
            fault = f"data must be a dict, not {type(data).__name__}"
        else:
            try:
                return encode_strictly(
                    self._control.wire.message(
                        request_id, session_id, client_message_id, api_version, dict(data)
                    )
                )
            except WireError as error:
                fault = str(error)
            except ValueError:
                fault = "api_version is too long"
        raise WSSMessagePayloadError(
            f"the message cannot be sent: {fault}; nothing was sent", session_id=session_id
        )

    async def _opened_again(self, session: MessageSession, response: Response | None) -> bool:
        """Return whether a session was opened again, as the exchange had forgotten it."""
        wire = self._control.wire
        if response is None or response.error_code != SESSION_NOT_FOUND:
            return False
        if not wire.forgets_sessions:
            return False
        return (await wire.claim_conversation(self._control, session.session_id)).is_ok

    async def _wait_for_turn(self, session: MessageSession) -> None:
        """Wait until a message may go out on the connection on which its session is open."""
        with trio.move_on_after(MESSAGE_SECONDS):
            while True:
                await self._wait_open(session)
                await self._turns.acquire()
                if session.ending is None and self._control.is_present(session.connection_id):
                    return
                self._turns.release()
        raise WSSConnectionError(
            f"the message could not be sent within {MESSAGE_SECONDS:g} s, and was not"
        )

    async def _wait_open(self, session: MessageSession) -> None:
        """Wait while a session is being claimed again."""
        while True:
            if session.ending is not None:
                raise WSSSessionClosedError(
                    f"the conversation is over: {session.ending}", session_id=session.session_id
                )
            if self._control.is_present(session.connection_id):
                return
            if self._control.connection_id is None:
                raise WSSConnectionError(
                    "there is no connection to the exchange now: the message was not sent"
                )
            await session.news.wait()


def _doubt(session_id: str, client_message_id: str, *, is_lost: bool) -> WSSMessageInDoubtError:
    reason = (
        "the connection was lost before the exchange had answered"
        if is_lost
        else f"the exchange has not answered for {MESSAGE_SECONDS:g} s"
    )
    error = WSSMessageInDoubtError(
        f"{reason}: nobody knows whether the message {client_message_id} went out",
        session_id=session_id,
    )
    error.client_message_id = client_message_id
    return error
