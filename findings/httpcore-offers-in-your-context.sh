#!/bin/sh
# httpcore, and with it httpx, sets the protocols that are offered in a handshake (ALPN) in the TLS
# context that it is given, for good. Whoever else uses that context offers them from then on.
#
# A context is what an application has one of: its authorities and its certificate, for all that it
# connects to. It is documented as an argument that verifies the server. After one request with
# http2=True, a WebSocket library with the same context offers HTTP/2, a server that knows it takes
# it, and the WebSocket's handshake, which is HTTP/1.1, is nothing that the server understands. Which
# of the two came first decides.
#
# It is why the HTTP requests of trio-calls give httpcore a context that nobody uses, and shake hands
# with that of the application themselves.
#
# Seen on 2026-11-28 with httpcore 1.0.9 and CPython 3.11.7:
#
#   before                     : None
#   after a request            : http/1.1
#   after one with http2=True  : h2
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httpcore==1.0.9 h2==4.4.1 trustme==1.2.1

cat >"$folder/share.py" <<'PYTHON'
import socket
import ssl
import threading

import httpcore
import trustme

AUTHORITY = trustme.CA()


def serve(listener):
    """Shake hands with each client, and say nothing: a server of HTTP/2 and HTTP/1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                pass


def negotiated(context, port):
    """What somebody else gets who uses the same context, such as a WebSocket library."""
    with socket.create_connection(("localhost", port)) as connection:
        with context.wrap_socket(connection, server_hostname="localhost") as tls:
            return tls.selected_alpn_protocol()


listener = socket.create_server(("localhost", 0))
port = listener.getsockname()[1]
threading.Thread(target=serve, args=[listener], daemon=True).start()
context = ssl.create_default_context()
AUTHORITY.configure_trust(context)
print("before                     :", negotiated(context, port))
for name, options in {"after a request": {}, "after one with http2=True": {"http2": True}}.items():
    with httpcore.ConnectionPool(ssl_context=context, **options) as pool:
        try:
            pool.request("GET", f"https://localhost:{port}/")
        except (httpcore.NetworkError, httpcore.ProtocolError):
            pass  # the server has hung up
    print(f"{name:27}:", negotiated(context, port))
PYTHON

cat >"$folder/expected" <<'TEXT'
before                     : None
after a request            : http/1.1
after one with http2=True  : h2
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("httpcore", version("httpcore"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/share.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: a context that httpcore was given offers what httpcore has offered."
