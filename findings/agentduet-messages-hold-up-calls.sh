#!/bin/sh
# A handler of written messages that takes its time keeps calls from being announced, in agentduet.
#
# Its README says that notifications may arrive concurrently, that all operations are non-blocking, and
# that one writes ordinary async code in handlers. But on_incoming_message handlers are awaited by the
# event bus, which passes on one event at a time, of whatever kind. So while an application thinks about
# an answer, or waits for a model, no other message is read, and no call is announced. An exchange gives
# an SDK ten seconds to claim a call.
#
# In trio-calls each handler has a task of its own, and the simulator is as impatient as the exchange: it
# tells another client of a call after ten seconds.
#
# agentduet 1.0.0b8 is the last version under the MIT licence, and this script must not be run with a
# later one.
#
# Seen on 2026-11-29 with agentduet 1.0.0b8, abxbus 2.5.79 and CPython 3.11.7:
#
#   a message is read
#   it is answered 3 s later
#   the call that came with it is announced 3 s later
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
# It asks for Python 3.12, and does the same on 3.11.
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --ignore-requires-python \
    agentduet==1.0.0b8 abxbus==2.5.79

cat >"$folder/answer.py" <<'PYTHON'
import asyncio
import json
import time

from agentduet import SessionManager, SessionManagerConfig
from websockets.asyncio.server import serve

MESSAGE = {"type": "msg.in", "id": "1", "subscriber": "+2", "participant": "1", "channel": "WA"}
CALL = {"type": "call.notify", "txnUuid": "1", "subscriber": "+2", "participant": "+1"}


async def exchange(peer):
    await peer.recv()
    await peer.send(json.dumps({"type": "setup.done", "smWsId": "1"}))
    await peer.send(json.dumps({**MESSAGE, "payload": {}}))
    await peer.send(json.dumps({**CALL, "channel": "TELCO", "createdAt": 1}))
    await peer.wait_closed()


async def main():
    async with serve(exchange, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        config = SessionManagerConfig.create(
            api_key="key", connector_uuid="connector", base_url=f"ws://127.0.0.1:{port}"
        )
        announced = asyncio.Event()
        read_at = 0.0

        def tell(what):
            print(f"{what} {time.monotonic() - read_at:.0f} s later")

        async with SessionManager(config) as manager:

            @manager.on_incoming_message
            async def answer(message):
                nonlocal read_at
                read_at = time.monotonic()
                print("a message is read")
                await asyncio.sleep(3)
                tell("it is answered")

            @manager.on_incoming_call
            async def take(notice):
                tell("the call that came with it is announced")
                announced.set()

            manager.start()
            await asyncio.wait_for(announced.wait(), 20)


asyncio.run(main())
PYTHON

cat >"$folder/expected" <<'TEXT'
a message is read
it is answered 3 s later
the call that came with it is announced 3 s later
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("agentduet", version("agentduet"), "abxbus", version("abxbus"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/answer.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: calls are announced when the messages before them have been dealt with."
