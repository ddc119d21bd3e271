#!/bin/sh
# A message whose send() was cancelled is sent after all, some time later, by websockets.trio.
#
# Whoever cancels a send before a byte of it has been written expects that nothing is sent, as with
# Trio's own streams and channels; or that the connection is closed. The documentation of send() says
# that it can only be cancelled where the write buffer is full, or between the fragments of a message.
#
# But the frame is handed to the protocol before the first checkpoint, and stays there. It goes out
# with whatever is sent next, and as soon as anything is received, though nobody sends. So an
# application that gives up on a message and sends it again has sent it twice.
#
# It is one of the reasons why trio-calls does not use websockets.trio as a transport.
#
# Seen on 2026-11-28 with websockets 17.4, trio 0.35.0 and CPython 3.11.7:
#
#   the send was cancelled: True; the connection is OPEN
#   half a second later, the peer has: []
#   after the peer has sent something, it has: ['cancelled']
#   after a second cancelled send and one that was not, it has: ['cancelled', 'again', 'wanted']
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check websockets==17.4 trio==0.35.0

cat >"$folder/send.py" <<'PYTHON'
import functools

import trio
from websockets.trio.client import connect
from websockets.trio.server import serve


async def send_cancelled(websocket, message):
    with trio.CancelScope() as scope:
        scope.cancel()
        await websocket.send(message)
    return scope.cancelled_caught


async def main():
    peers, received = [], []

    async def keep_what_comes(peer):
        peers.append(peer)
        async for message in peer:
            received.append(message)

    async with trio.open_nursery() as nursery:
        start = functools.partial(serve, keep_what_comes, 0, host="127.0.0.1")
        server = await nursery.start(start)
        port = server.listeners[0].socket.getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/") as websocket:
            was_cancelled = await send_cancelled(websocket, "cancelled")
            state = websocket.state.name
            print(f"the send was cancelled: {was_cancelled}; the connection is {state}")
            await trio.sleep(0.5)
            print("half a second later, the peer has:", received)
            await peers[0].send("anything")
            await websocket.recv()
            await trio.sleep(0.5)
            print("after the peer has sent something, it has:", received)
            await send_cancelled(websocket, "again")
            await websocket.send("wanted")
            await trio.sleep(0.5)
            print("after a second cancelled send and one that was not, it has:", received)
        nursery.cancel_scope.cancel()


trio.run(main)
PYTHON

cat >"$folder/expected" <<'TEXT'
the send was cancelled: True; the connection is OPEN
half a second later, the peer has: []
after the peer has sent something, it has: ['cancelled']
after a second cancelled send and one that was not, it has: ['cancelled', 'again', 'wanted']
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("websockets", version("websockets"), "trio", version("trio"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/send.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: messages whose send was cancelled have been sent."
