"""A ringing call on its way to another process."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs

from trio_calls._quoting import Secret, printable
from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.call.gatekeeper import Gatekeeper
from trio_calls.config import WireName
from trio_calls.errors import WSSHandOverError
from trio_calls.wire.codec import WireError, unstructure
from trio_calls.wire.control_wire import RingingCall
from trio_calls.wire.first.hand_over import HandOverDocument as FirstDocument
from trio_calls.wire.hand_overs import decode_hand_over
from trio_calls.wire.names import TELEPHONE
from trio_calls.wire.second.control import Address
from trio_calls.wire.second.hand_over import INCOMING, OUTGOING, AudioConfig
from trio_calls.wire.second.hand_over import HandOverDocument as SecondDocument

_NO_FORMAT: Final = "it does not say in which format its audio is: give audio_format"


@attrs.frozen(kw_only=True)
class HandOver:
    """A ringing call that one process hands over to another, which answers it in its place.

    Got from `ActiveCall.hand_over`, and in the other process from `from_json`. It is a credential:
    whoever has it can talk with the caller. So logs and tracebacks show the name of the call and
    nothing else of it. Send what `to_json` returns, as you send other secrets.

    Attributes:
      call_id: the exchange's name for the call.
      caller_number: who calls; None if that is withheld.
      callee_number: whom the caller dialed.
      audio_format: of everything heard and sent: what the process that took the call has asked for.
      wire: the generation of the exchange that the call is on: ``first`` or ``second``.
    """

    call_id: str
    caller_number: str | None = attrs.field(repr=False)
    callee_number: str | None = attrs.field(repr=False)
    audio_format: AudioFormat
    wire: WireName = "first"
    _url: str = attrs.field(converter=Secret)
    _token: str = attrs.field(converter=Secret)
    _is_prepared: bool = False
    _gatekeeper: Gatekeeper | None = attrs.field(default=None, eq=False)

    def __repr__(self) -> str:
        return f"<HandOver of call {self.call_id}>"

    @property
    def document(self) -> str:
        """The JSON that the official client reads and writes.

        On the first wire it says nothing of the audio.
        """
        return Secret(json.dumps(self._document()))

    def to_json(self) -> str:
        """Return all of it as JSON: `document`, with the audio format, if that does not say it.

        The official client reads this as well, as it passes over what it does not know.
        """
        if self.wire == "second":
            return self.document
        audio_format = {
            "sample_rate": self.audio_format.sample_rate,
            "mode": self.audio_format.mode.value,
        }
        return Secret(json.dumps({**self._document(), "audio_format": audio_format}))

    @classmethod
    def from_json(cls, text: str | bytes, audio_format: AudioFormat | None = None) -> HandOver:
        """Read what `to_json` or the official client has written.

        Args:
          text: the JSON. Keys that are not known are passed over.
          audio_format: what the process that took the call has asked for. What the text itself says
            of it counts for more; the official client says nothing.

        Raises:
          WSSHandOverError: it cannot be used: something is missing, of the wrong type or too long,
            the address is not one of a media connection, or nobody says the format.
        """
        text = concealed(text)
        try:
            return cls._of(decode_hand_over(text), audio_format)
        except (WireError, WSSHandOverError) as error:
            failure = WSSHandOverError(f"a call's hand-over cannot be used: {error}")
        # Without a context: frames of the reader hold the document.
        try:
            raise failure
        finally:
            # The error knows this frame by its traceback, and would be kept in memory by it.
            del failure

    @classmethod
    def _of(
        cls, document: FirstDocument | SecondDocument, audio_format: AudioFormat | None
    ) -> HandOver:
        wire: WireName = "first"
        is_prepared = False
        if isinstance(document, SecondDocument):
            wire, is_prepared = "second", document.origin == OUTGOING
            audio_config = document.audio_config
            audio_format = _format(audio_config.sample_rate, audio_config.audio_mode)
        elif document.audio_format is not None:
            audio_format = _format(document.audio_format.sample_rate, document.audio_format.mode)
        if audio_format is None:
            raise WSSHandOverError(_NO_FORMAT)
        return cls(
            call_id=printable(document.id),
            caller_number=document.caller or None,
            callee_number=document.callee or None,
            audio_format=audio_format,
            wire=wire,
            url=document.session_url,
            token=document.session_token,
            is_prepared=is_prepared,
        )

    def _document(self) -> dict[str, Any]:
        if self.wire == "second":
            return unstructure(self._second_document())
        return {
            "channel": TELEPHONE,
            "id": self.call_id,
            "caller": self.caller_number or "",
            "callee": self.callee_number or "",
            "session_url": self._url,
            "session_token": self._token,
        }

    def _second_document(self) -> SecondDocument:
        caller, callee = self.caller_number or "", self.callee_number or ""
        # Of whom a call is, and whom it is with.
        subscriber, participant = (caller, callee) if self._is_prepared else (callee, caller)
        return SecondDocument(
            id=self.call_id,
            origin=OUTGOING if self._is_prepared else INCOMING,
            participant=Address(TELEPHONE, participant),
            subscriber=subscriber,
            caller=caller,
            callee=callee,
            session_url=self._url,
            session_token=self._token,
            audio_config=AudioConfig(
                sample_rate=self.audio_format.sample_rate,
                audio_mode=self.audio_format.mode.value,
            ),
        )


def hand_over_of(
    address: RingingCall, audio_format: AudioFormat, wire: WireName = "first"
) -> HandOver:
    """Make what another process needs to act on a call in place of this one."""
    return HandOver(
        call_id=address.call_id,
        caller_number=address.caller_number or None,
        callee_number=address.callee_number or None,
        audio_format=audio_format,
        wire=wire,
        url=address.url,
        token=address.token,
        is_prepared=address.is_prepared,
    )


def address_of(handed_over: HandOver) -> RingingCall:
    """Return what the exchange has told the process that took the call."""
    return RingingCall(
        call_id=handed_over.call_id,
        caller_number=handed_over.caller_number,
        callee_number=handed_over.callee_number,
        url=handed_over._url,
        token=handed_over._token,
        is_prepared=handed_over._is_prepared,
    )


def with_gatekeeper(handed_over: HandOver, gatekeeper: Gatekeeper) -> HandOver:
    """Return a call that is to be opened only as somebody allows, in this process."""
    return attrs.evolve(handed_over, gatekeeper=gatekeeper)


def gatekeeper_of(handed_over: HandOver) -> Gatekeeper | None:
    """Return whoever has to be asked before a call is opened."""
    return handed_over._gatekeeper


def concealed(text: str | bytes) -> Secret:
    """Return a document as text that no traceback shows. What is not UTF-8 is refused later."""
    return Secret(text if isinstance(text, str) else text.decode("utf-8", "surrogateescape"))


def _format(sample_rate: int, mode: str) -> AudioFormat:
    return AudioFormat(sample_rate, AudioMode(mode))
