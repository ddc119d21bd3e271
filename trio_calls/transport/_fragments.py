"""Messages that came in pieces. Pure."""

from __future__ import annotations

from websockets.frames import Frame, Opcode


class Fragments:
    """Puts data frames together.

    That they come in a lawful order, and how long they get, is the protocol's to watch.
    """

    def __init__(self) -> None:
        self._is_text = False
        self._pieces: list[bytes] = []

    def add(self, frame: Frame) -> str | bytes | None:
        """Take in a data frame.

        Returns:
          The message that it completes, or None.

        Raises:
          UnicodeDecodeError: a text is not UTF-8.
        """
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        data = bytes(frame.data)
        if self._pieces or not frame.fin:
            self._pieces.append(data)
            if not frame.fin:
                return None
            data = b"".join(self._pieces)
            self._pieces.clear()
        return data.decode() if self._is_text else data
