#!/bin/sh
# Silence that an exchange sends as a run, which its wire is made for, is cut out by agentduet.
#
# A frame of audio may say "so many milliseconds of silence" in four bytes, instead of carrying them.
# agentduet reads such a frame, knows its length, and gives the application nothing for it. What was
# said before and after the silence is heard in one breath: a recording is too short, pauses between
# sentences are gone, and who waits for a pause to take its turn waits for ever.
#
# It is the reason why trio-calls fills silences in with zeros, and does not do as the vendor's client,
# and why its simulator never sends any.
#
# agentduet 1.0.0b8 is the last version under the MIT licence, and this script must not be run with a
# later one.
#
# Seen on 2026-11-29 with agentduet 1.0.0b8 and CPython 3.11.7:
#
#   sent: 20 ms of audio, 1000 ms of silence, 20 ms of audio
#   heard: 40 ms
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
# It asks for Python 3.12, and does the same on 3.11.
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --ignore-requires-python \
    agentduet==1.0.0b8

cat >"$folder/listen.py" <<'PYTHON'
import asyncio
import json

from agentduet import Address, Call, CallAudioConfig
from agentduet.media_frame import encode_pcm, encode_silence
from websockets.asyncio.server import serve

BYTES_PER_MS = 32
FRAME = b"\1\0" * (20 * BYTES_PER_MS // 2)


async def exchange(peer):
    command = json.loads(await peer.recv())["data"]
    done = {"command_id": command["command_id"], "success": True}
    await peer.send(json.dumps({"type": "command_response", "data": done}))
    await peer.send(encode_pcm(0, 0, 0, FRAME))
    await peer.send(encode_silence(0, 1, 20, 1000))
    await peer.send(encode_pcm(0, 2, 1020, FRAME))


async def main():
    async with serve(exchange, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        call = Call(
            id="call",
            participant=Address.telco("+1"),
            subscriber="+2",
            caller="+1",
            callee="+2",
            session_url=f"ws://127.0.0.1:{port}",
            session_token="token",
            audio_config=CallAudioConfig(16000),
        )
        await call.answer()
        heard = b"".join([chunk async for chunk in call.audio_stream()])
        print("sent: 20 ms of audio, 1000 ms of silence, 20 ms of audio")
        print(f"heard: {len(heard) // BYTES_PER_MS} ms")


asyncio.run(main())
PYTHON

cat >"$folder/expected" <<'TEXT'
sent: 20 ms of audio, 1000 ms of silence, 20 ms of audio
heard: 40 ms
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("agentduet", version("agentduet"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/listen.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: what is silent is not there."
