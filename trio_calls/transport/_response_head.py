"""What a server answers to a handshake, as far as a library needs it. Pure.

Servers and proxies say more than a library takes: informational responses (RFC 9110, 15.2), folded
headers (RFC 9112, 5.2), cookies of many kilobytes. What has no meaning for a handshake is left out,
and what follows its end is kept apart, so that both libraries take the same. Where a server has
refused, they are given nothing: they would wait for the end of its answer (see
findings/websockets-refusal-after-its-body.sh).
"""

from __future__ import annotations

import re
from typing import Final

from trio_calls.transport._interface import WebSocketError
from trio_calls.transport._refusal import RefusalReader

_END_OF_HEAD: Final = b"\r\n\r\n"
_LONGEST_STATUS_LINE: Final = 1024
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9][0-9])(?: [^\r\n]*)?\r\n")
_FOLD: Final = re.compile(rb"\r\n[ \t]+")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_SWITCHING_PROTOCOLS: Final = 101
_FIRST_FINAL: Final = 200

#: The headers of an answer that mean something to a handshake, or to its refusal.
_MEANINGFUL: Final = frozenset(
    {b"upgrade", b"connection", b"content-length", b"transfer-encoding", b"retry-after", b"date"}
)
_SWITCH_HEADERS: Final = (b"Upgrade: websocket", b"Connection: Upgrade")
_OF_WEBSOCKETS: Final = b"sec-websocket-"


class ResponseHead:
    """Reads the bytes that a server sends, up to the end of the handshake.

    Attributes:
      size: how many bytes belong to the handshake.
      has_switched: whether the server has switched to WebSockets.
      early_data: what came right behind that.
      refusal: reads the answer, if the server has refused.
    """

    def __init__(self) -> None:
        self.size = 0
        self.has_switched = False
        self.early_data = b""
        self.refusal: RefusalReader | None = None
        self._waiting = bytearray()
        self._is_past_head = False

    def receive(self, data: bytes | bytearray) -> bytes:
        """Read bytes.

        Returns:
          What the library is to be given; nothing while a head is not complete, or if it refuses.

        Raises:
          WebSocketError: the server has switched, but not by the rules.
        """
        self.size += len(data)
        if self._is_past_head:
            return bytes(data)
        start = max(0, len(self._waiting) - len(_END_OF_HEAD) + 1)
        self._waiting += data
        while self._may_be_head() and (end := self._waiting.find(_END_OF_HEAD, start)) >= 0:
            head = bytes(self._waiting[: end + len(_END_OF_HEAD)])
            del self._waiting[: len(head)]
            start = 0
            status_line = _STATUS_LINE.match(head)
            status = int(status_line[1]) if status_line else _FIRST_FINAL
            if status == _SWITCHING_PROTOCOLS:
                return self._switch(head)
            if status >= _FIRST_FINAL:
                self.refusal = RefusalReader()
                self.refusal.receive(_concise(head) + self._give_up_reading())
                return b""
        return b"" if self._may_be_head() else self._give_up_reading()

    def _may_be_head(self) -> bool:
        beginning = bytes(self._waiting[:_LONGEST_STATUS_LINE])
        if b"\r\n" in beginning:
            return _STATUS_LINE.match(beginning) is not None
        is_http = beginning[:5] == b"HTTP/"[: len(beginning)]
        return is_http and len(beginning) < _LONGEST_STATUS_LINE

    def _switch(self, head: bytes) -> bytes:
        self._is_past_head = self.has_switched = True
        self.early_data = bytes(self._waiting)
        self.size -= len(self.early_data)
        self._waiting.clear()
        fault = _fault(_headers(head))
        if fault:
            raise WebSocketError(f"what the other side sent is not a WebSocket handshake: {fault}")
        return _plain_switch(head)

    def _give_up_reading(self) -> bytes:
        """Leave all that is still to come to the library."""
        self._is_past_head = True
        rest = bytes(self._waiting)
        self._waiting.clear()
        return rest


def _lines(head: bytes) -> list[bytes]:
    return _FOLD.sub(b" ", head.removesuffix(_END_OF_HEAD)).split(b"\r\n")


def _concise(head: bytes) -> bytes:
    """Leave out the headers that mean nothing here. What is no header is the library's to judge."""
    status_line, *lines = _lines(head)
    kept = [line for line in lines if _matters(line)]
    return b"\r\n".join([status_line, *kept]) + _END_OF_HEAD


def _plain_switch(head: bytes) -> bytes:
    """Say a switch that keeps the rules as libraries expect it, word for word.

    They differ in what else they take: a reason phrase that is missing, a header that is empty, or
    that a proxy has added once more.
    """
    status_line, *lines = _lines(head)
    kept = [line for line in lines if _is_for_library(line)]
    switch = [status_line[: len(b"HTTP/1.1 101")] + b" Switching Protocols", *_SWITCH_HEADERS]
    return b"\r\n".join([*switch, *kept]) + _END_OF_HEAD


def _is_for_library(line: bytes) -> bool:
    """Return whether a line proves that this server can talk, or is no header."""
    header = _HEADER.fullmatch(line)
    return header is None or header[1].lower() == b"sec-websocket-accept"


def _matters(line: bytes) -> bool:
    header = _HEADER.fullmatch(line)
    if header is None:
        return True
    name = header[1].lower()
    return name in _MEANINGFUL or name.startswith(_OF_WEBSOCKETS)


def _headers(head: bytes) -> dict[bytes, bytes]:
    found = (_HEADER.fullmatch(line) for line in _lines(head)[1:])
    headers: dict[bytes, bytes] = {}
    for header in filter(None, found):
        name, value = header[1].lower(), header[2].lower()
        headers[name] = b", ".join(filter(None, (headers.get(name), value)))
    return headers


def _fault(headers: dict[bytes, bytes]) -> str:
    """Return which rule of RFC 6455, 4.1, a switch breaks; empty if none that is looked at here."""
    if _tokens(headers, b"upgrade") != {b"websocket"}:
        return "it has no 'Upgrade: websocket'"
    if b"upgrade" not in _tokens(headers, b"connection"):
        return "it has no 'Connection: Upgrade'"
    if not headers.get(b"sec-websocket-accept"):
        return "it has no Sec-WebSocket-Accept"
    if _tokens(headers, b"sec-websocket-extensions"):
        return "it uses an extension that was not asked for"
    if _tokens(headers, b"sec-websocket-protocol"):
        return "it chooses a subprotocol, and none was asked for"
    return ""


def _tokens(headers: dict[bytes, bytes], name: bytes) -> set[bytes]:
    """Return what a header lists. One that is empty lists nothing, and servers do send it."""
    return {token.strip() for token in headers.get(name, b"").split(b",")} - {b""}
