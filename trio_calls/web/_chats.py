"""What is written between the tabs and agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trio_calls.simulator import Partner, Simulator
from trio_calls.simulator._live_partner import count_waiting, is_read, messages_from
from trio_calls.web import _messages as messages
from trio_calls.web._content_text import content_text
from trio_calls.wire.first.control import FORCE_CLOSE, SDK_REQUEST

if TYPE_CHECKING:
    from trio_calls.web._tab import Tab

#: The states of a conversation for a tab.
WAITING: Final = "waiting"
OPEN: Final = "open"
CLOSED: Final = "closed"

#: How many messages may wait in a conversation that no agent reads.
MAX_WAITING: Final = 100

#: So many conversations may be open before a tab may begin no other.
MAX_OPEN: Final = 1000

#: How many of an open conversation's messages a tab that joins late is told of, the latest.
_MAX_SHOWN: Final = 200

_REASONS: Final = {
    SDK_REQUEST: "The agent has closed it.",
    FORCE_CLOSE: "The exchange has closed it.",
}


class Chats:
    """The conversations of all tabs. Each tab has those of its number.

    Args:
      simulator: where they take place.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._chats: dict[Tab, _Chat] = {}

    def show(self, tab: Tab) -> None:
        """Tell a tab that has a new number what is open with that."""
        chat = self._chats[tab] = _Chat(tab)
        for partner in self._simulator.partners:
            if partner.is_open and chat.is_with(partner):
                chat.look(partner)

    def forget(self, tab: Tab) -> None:
        """Forget a tab that is gone. Its conversations wait for the next with its number."""
        self._chats.pop(tab, None)

    def write(self, tab: Tab, text: str) -> str | None:
        """Write to the agent from a tab's number.

        Returns:
          Why that cannot be done, in a sentence; None: it is done.
        """
        if not text.strip():
            return "There is nothing to send."
        partner = self._chats[tab].partner
        if partner is None:
            if sum(each.is_open for each in self._simulator.partners) >= MAX_OPEN:
                return "Too many conversations are open."
            self._simulator.place_message(sender=_whatsapp_form(tab.number), content=text)
        elif count_waiting(partner) >= MAX_WAITING:
            return f"{MAX_WAITING} messages wait for an agent already."
        else:
            partner.write(text)
        return None

    def look(self, partner: Partner) -> None:
        """Tell the tabs with a partner's number what is new."""
        for chat in self._chats.values():
            if chat.is_with(partner):
                chat.look(partner)


class _Chat:
    """The conversations of one tab, as far as it was told of them."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._address = _whatsapp_form(tab.number)
        # How many messages of each open conversation it was told of. The last one began last.
        self._open: dict[Partner, int] = {}
        self._said = ""

    @property
    def partner(self) -> Partner | None:
        """Who writes when the tab does; None where no conversation is open."""
        return next(reversed(self._open), None)

    def is_with(self, partner: Partner) -> bool:
        """Return whether a partner has the tab's number."""
        return _whatsapp_form(partner.number) == self._address

    def look(self, partner: Partner) -> None:
        """Tell the tab what is new in a conversation."""
        start = self._open.get(partner)
        if start is None:
            start = max(len(messages_from(partner, 0)) - _MAX_SHOWN, 0)
        new = messages_from(partner, start)
        for message in new:
            self._tab.tell(
                messages.message(
                    is_from_agent=message.is_from_agent,
                    text=content_text(message.content),
                    at=message.seconds,
                )
            )
        self._open[partner] = start + len(new)
        if not partner.is_open:
            del self._open[partner]
        said = _state(self.partner or partner)
        if said != self._said:
            self._said = said
            self._tab.tell(said)


def _state(partner: Partner) -> str:
    if not partner.is_open:
        reason = _REASONS.get(partner.close_reason or "", f"It was closed: {partner.close_reason}.")
        return messages.conversation(state=CLOSED, reason=reason)
    return messages.conversation(state=OPEN if is_read(partner) else WAITING, reason=None)


def _whatsapp_form(number: str) -> str:
    """Return a number as WhatsApp has it: digits only, where there are any."""
    return "".join(each for each in number if each in "0123456789") or number
