#!/bin/sh
# The client of websockets, without I/O, keeps a server's refusal to itself until the whole body of
# the response has come. Where the response has no length, that is when the server hangs up.
#
# A response to a handshake that is not 101 has refused it, and its head says with which status. RFC
# 9112, 6.3, lets a body without a length last as long as the connection. Servers and proxies answer
# so, a redirect with nothing but its Location among them, and some keep the connection. The status
# has been received then, but events_received() is empty, handshake_exc is None, and
# close_expected() is False: nothing tells a refusal from a server that has not answered.
#
# It is why the transport of trio-calls reads refusals itself, as far as they come, and gives the
# library none of them.
#
# Seen on 2026-11-28 with websockets 17.4 and CPython 3.11.7:
#
#   401, 3 bytes of 3               : [401], InvalidStatus
#   401, no length, 3 bytes         : [], None
#   302, no length, no body         : [], None
#   401, 3 bytes of 30              : [], None
#   401, no length, then the end    : [401], InvalidStatus
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check websockets==17.4

cat >"$folder/refuse.py" <<'PYTHON'
from websockets.client import ClientProtocol
from websockets.uri import parse_uri


def answer(name, response, *, is_at_end=False):
    client = ClientProtocol(parse_uri("ws://example.com/"))
    client.send_request(client.connect())
    client.data_to_send()
    client.receive_data(response)
    if is_at_end:
        client.receive_eof()
    statuses = [event.status_code for event in client.events_received()]
    error = client.handshake_exc and type(client.handshake_exc).__name__
    print(f"{name:32}: {statuses}, {error}")


UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\n"
answer("401, 3 bytes of 3", UNAUTHORIZED + b"Content-Length: 3\r\n\r\nno\n")
answer("401, no length, 3 bytes", UNAUTHORIZED + b"\r\nno\n")
answer("302, no length, no body", b"HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n")
answer("401, 3 bytes of 30", UNAUTHORIZED + b"Content-Length: 30\r\n\r\nno\n")
answer("401, no length, then the end", UNAUTHORIZED + b"\r\nno\n", is_at_end=True)
PYTHON

cat >"$folder/expected" <<'TEXT'
401, 3 bytes of 3               : [401], InvalidStatus
401, no length, 3 bytes         : [], None
302, no length, no body         : [], None
401, 3 bytes of 30              : [], None
401, no length, then the end    : [401], InvalidStatus
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("websockets", version("websockets"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/refuse.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: a refusal is told of when its body has ended, and not before."
