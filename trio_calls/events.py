"""The names of the events that an application can handle.

==========================  ============================  =======================================
event                       on                            the handler is called with
==========================  ============================  =======================================
`INCOMING_CALL`             `CallClient.on`               the `ActiveCall`
`OFFER`                     `CallClient.on`               the `~trio_calls.sessions.Offer`
`INCOMING_MESSAGE`          `CallClient.on`               the `~trio_calls.sessions.Conversation`
`CALL_ANSWERED`             `ActiveCall.on`               nothing
`CALL_ANSWER_FAILED`        `ActiveCall.on`               the error (a `WSSCallError`)
`CALL_CONNECTED`            `ActiveCall.on`               nothing
`CALL_CONNECT_FAILED`       `ActiveCall.on`               the error (a `WSSCallError`)
`CALL_TERMINATED`           `ActiveCall.on`               the `Ending`, if it needs one
`CALL_ERROR`                `ActiveCall.on`               the error (a `WSSCallFaultError`)
==========================  ============================  =======================================
"""

from __future__ import annotations

from typing import Final

#: A call was offered, claimed, and is now ringing for this application.
INCOMING_CALL: Final = "incoming_call"
#: A session is on offer, and may be claimed now: the handler decides.
OFFER: Final = "offer"
#: Somebody has written, and the conversation was claimed for this application.
INCOMING_MESSAGE: Final = "incoming_message"
#: The exchange says that the agent now talks with the caller.
CALL_ANSWERED: Final = "call_answered"
#: The exchange refused `answer()`, or did not do it in time.
CALL_ANSWER_FAILED: Final = "call_answer_failed"
#: The callee picked up: caller, callee and agent are in a conference.
CALL_CONNECTED: Final = "call_connected"
#: The callee did not pick up, or the exchange refused `connect()`.
CALL_CONNECT_FAILED: Final = "call_connect_failed"
#: The call is over for the agent, whoever ended it.
CALL_TERMINATED: Final = "call_terminated"
#: The exchange reports a fault in the call; the call goes on.
CALL_ERROR: Final = "call_error"

CALL_EVENTS: Final = frozenset(
    {
        CALL_ANSWERED,
        CALL_ANSWER_FAILED,
        CALL_CONNECTED,
        CALL_CONNECT_FAILED,
        CALL_TERMINATED,
        CALL_ERROR,
    }
)
