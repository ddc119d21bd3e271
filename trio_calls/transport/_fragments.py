"""Messages that came in pieces. Pure."""

from __future__ import annotations

import codecs

from websockets.frames import Frame, Opcode

_make_decoder = codecs.getincrementaldecoder("utf-8")


class Fragments:
    """Puts data frames together.

    That they come in a lawful order, and how long they get, is the protocol's to watch.

    Attributes:
      are_open: whether more frames belong to what was added.
    """

    def __init__(self) -> None:
        self.are_open = False
        self._decoder = _make_decoder()
        self._is_text = False
        self._texts: list[str] = []
        self._data = bytearray()

    def add(self, frame: Frame) -> str | bytes | None:
        """Take in a data frame.

        Returns:
          The message that it completes, or None.

        Raises:
          UnicodeDecodeError: a text is not UTF-8, as far as it has come.
        """
        self.are_open = not frame.fin
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if self._is_text:
            self._texts.append(self._decoder.decode(frame.data, frame.fin))
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
