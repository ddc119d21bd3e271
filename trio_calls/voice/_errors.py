"""What goes wrong in this room, beside what the call itself raises."""

from __future__ import annotations

from trio_calls.errors import WSSError


class DetectorError(WSSError):
    """A detector of speech raised an exception, or returned what is no probability.

    The exception, if there is one, is the ``__cause__``. The call goes on.
    """
