#!/bin/sh
# A pool of coredis has one connection less for good whenever one is lost under a command that blocks.
#
# A command that does not block gives its connection back as soon as it is sent, so that others use it,
# too. One that blocks (BLPOP, XREADGROUP with BLOCK, …) keeps it until the answer is there. When the
# server goes away meanwhile, as it does when it restarts, the connection is not given back as it is of
# no use, and nothing is put into the pool in its place. The place is lost. A program that reads a
# stream and is told of each restart by ConnectionError, as it should be, reads on after it; but after
# as many restarts as the pool has places, 64 by default, nothing that it asks for comes back: it waits
# for a place, without an end. Nothing has been cancelled for that. A cancelled read costs a place in the
# same way.
#
# It is why the workers of trio-calls that take calls from Redis give a client up with its first error,
# and have a deadline for everything: see trio_calls/fleet/_redis_link.py.
#
# Seen on 2026-11-29 with coredis 6.9.0, trio 0.35.0 and CPython 3.11.7:
#
#   lost under 3 GET: the next PING is answered
#   lost under 3 BLPOP: the next PING waits for ever
#
# Needs Python 3.11 or newer with venv, and the network; no Redis, as a few lines of Python do for one.
# Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check coredis==6.9.0 trio==0.35.0

cat >"$folder/lose.py" <<'PYTHON'
import logging

import coredis
import trio
from coredis.exceptions import ConnectionError
from coredis.retry import NoRetryPolicy

PLACES = 3

# It logs each connection that is lost.
logging.getLogger("coredis").setLevel(logging.CRITICAL)


async def serve(stream):
    """Speak just enough of Redis's protocol, and hang up when something is asked for."""
    received = b""
    async for data in stream:
        received += data
        if b"HELLO" in received:
            await stream.send_all(b"%3\r\n+proto\r\n:3\r\n+id\r\n:1\r\n+version\r\n+7.0.0\r\n")
        elif b"PING" in received:
            await stream.send_all(b"+PONG\r\n")
        elif b"GET" in received or b"BLPOP" in received:
            return
        received = b""


async def lose(name, ask, port):
    client = coredis.Redis(port=port, max_connections=PLACES, retry_policy=NoRetryPolicy())
    async with client:
        for _ in range(PLACES):
            try:
                await ask(client)
            except ConnectionError:
                pass
        with trio.move_on_after(3) as patience:
            await client.ping()
        end = "waits for ever" if patience.cancelled_caught else "is answered"
        print(f"lost under {PLACES} {name}: the next PING {end}")


async def main():
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        await lose("GET", lambda client: client.get("key"), port)
        await lose("BLPOP", lambda client: client.blpop(["key"], 0), port)
        nursery.cancel_scope.cancel()


trio.run(main)
PYTHON

cat >"$folder/expected" <<'TEXT'
lost under 3 GET: the next PING is answered
lost under 3 BLPOP: the next PING waits for ever
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("coredis", version("coredis"), "trio", version("trio"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/lose.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: a connection that is lost under a command that blocks is missing in the pool."
