#!/bin/sh
# The end of a speech stays in telcoflow's queue, so that it never is empty again.
#
# An exchange that plays audio in frames of 20 ms asks for a frame at a time. telcoflow answers with a whole
# frame, and waits where it has less. A speech hardly ever ends with a frame, so its end is not sent until
# something else is said. Nothing tells when a speech was sent, and a loop that waits until
# get_send_audio_buffer_size() is 0 goes on until the caller hangs up. Then that raises
# WSSCallClosedError.
#
# It is why the programs in examples/book/beside sleep as long as their speech takes, and why two of them
# show that loop. trio-calls sends what is left once nothing follows.
#
# Seen on 2026-11-29 with telcoflow 1.0.0, websockets 17.4 and CPython 3.11.7:
#
#   queued: 2400 bytes; asked for: 10 frames of 960
#   sent: 1920 bytes, and nothing more in 2 s
#   queued after that: 480 bytes
#   queued after the hangup: WSSCallClosedError
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    telcoflow==1.0.0 websockets==17.4 abxbus==2.5.79

cat >"$folder/speak.py" <<'PYTHON'
import asyncio
import json

from telcoflow import Call
from telcoflow.exceptions import WSSCallClosedError
from websockets.asyncio.server import serve

SPEECH = b"\1\0" * 1200
SECONDS = 2

received = bytearray()


async def exchange(peer):
    async def tell(kind, **data):
        await peer.send(json.dumps({"type": kind, "data": data}))

    command = json.loads(await peer.recv())["data"]
    await tell("command_response", command_id=command["command_id"], success=True)
    for _ in range(10):
        await tell("buffer_request", requested_bytes=960, prefer_audio_frame_bytes=960, channelId=0)
    try:
        async with asyncio.timeout(SECONDS):
            async for message in peer:
                received.extend(message[1:])
    except TimeoutError:
        await tell("call_event", event="call.terminated")
    await peer.wait_closed()


async def main():
    async with serve(exchange, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        call = Call("call", "+1", "+2", f"ws://127.0.0.1:{port}", "token")
        ended = asyncio.Event()
        call.on_terminated(ended.set)
        await call.answer()
        await call.send_audio(SPEECH)
        await asyncio.sleep(SECONDS - 0.5)
        left = await call.get_send_audio_buffer_size()
        print(f"queued: {len(SPEECH)} bytes; asked for: 10 frames of 960")
        print(f"sent: {len(received)} bytes, and nothing more in {SECONDS} s")
        print(f"queued after that: {left} bytes")
        await ended.wait()
        try:
            print("queued after the hangup:", await call.get_send_audio_buffer_size())
        except WSSCallClosedError as error:
            print("queued after the hangup:", type(error).__name__)
        await call.voice_session.close()


asyncio.run(main())
PYTHON

cat >"$folder/expected" <<'TEXT'
queued: 2400 bytes; asked for: 10 frames of 960
sent: 1920 bytes, and nothing more in 2 s
queued after that: 480 bytes
queued after the hangup: WSSCallClosedError
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("telcoflow", version("telcoflow"), "websockets", version("websockets"), end=" ")
print("CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/speak.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: the end of a speech is not sent, and the queue is never empty."
