"""Messages that come in fragments. Pure."""

from __future__ import annotations

import codecs

from websockets.frames import Frame, Opcode

_make_decoder = codecs.getincrementaldecoder("utf-8")


class Fragments:
    """Puts the fragments of messages together.

    The protocol sees to it that they come in a lawful order, and do not get too long.
    """

    def __init__(self) -> None:
        self._decoder = _make_decoder()
        self._is_text = False
        self._texts: list[str] = []
        self._data = bytearray()

    def add(self, frame: Frame) -> str | bytes | None:
        """Add a data frame.

        Returns:
          The message that it completes, or None.

        Raises:
          UnicodeDecodeError: what has come of a text is not UTF-8.
        """
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if self._is_text:
            text = self._decoder.decode(frame.data, frame.fin)
            # An empty one would take room in the list, and a peer can send any number of them.
            if text:
                self._texts.append(text)
        else:
            self._data += frame.data
        return self._take() if frame.fin else None

    def _take(self) -> str | bytes:
        if self._is_text:
            text = "".join(self._texts)
            self._texts.clear()
            return text
        data = bytes(self._data)
        self._data.clear()
        return data
