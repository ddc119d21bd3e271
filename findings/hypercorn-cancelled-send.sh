#!/bin/sh
# Hypercorn's worker for Trio cannot be cancelled while it sends to a client that does not read.
#
# TCPServer.protocol_send sends inside a shield, so that a frame is never cut in half. Where the client
# has stopped reading, as a tab does that sleeps, and the buffers of the system are full, the
# shield holds as long as the client likes: neither cancelling `serve`, nor its shutdown_trigger with
# its graceful_timeout, nor Control-C ends the program. No setting bounds a send.
#
# It is why trio-calls keeps the streams of its page of phones, and closes those that are left when
# their time is up.
#
# Seen on 2026-11-28 with hypercorn 0.18.0, trio 0.35.0 and CPython 3.11.7:
#
#   the client reads: cancelled, and over within 1 s
#   the client does not read: cancelled, and not over after 5 s; over once the client is gone
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hypercorn==0.18.0 trio==0.35.0

cat >"$folder/send.py" <<'PYTHON'
import trio
from hypercorn.config import Config
from hypercorn.trio import serve

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def app(scope, receive, send):
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": message["type"] + ".complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": bytes(2**16), "more_body": True})


async def serve_until_cancelled(scope, over, task_status):
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    with scope:
        await serve(app, config, task_status=task_status)
    over.set()


async def read(stream):
    try:
        async for _ in stream:
            pass
    except trio.BrokenResourceError:
        pass


async def ends_within(seconds, over):
    with trio.move_on_after(seconds):
        await over.wait()
    return over.is_set()


async def main(reads):
    async with trio.open_nursery() as nursery:
        scope, over = trio.CancelScope(), trio.Event()
        (bind,) = await nursery.start(serve_until_cancelled, scope, over)
        client = await trio.open_tcp_stream("127.0.0.1", int(bind.rpartition(":")[2]))
        await client.send_all(REQUEST)
        if reads:
            nursery.start_soon(read, client)
        await trio.sleep(2)
        scope.cancel()
        if await ends_within(1, over):
            print("the client reads: cancelled, and over within 1 s")
        elif not await ends_within(4, over):
            await client.aclose()
            then = "over" if await ends_within(1, over) else "not over"
            print(f"the client does not read: cancelled, and not over after 5 s; {then} once the client is gone")
        nursery.cancel_scope.cancel()


trio.run(main, True)
trio.run(main, False)
PYTHON

cat >"$folder/expected" <<'TEXT'
the client reads: cancelled, and over within 1 s
the client does not read: cancelled, and not over after 5 s; over once the client is gone
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("hypercorn", version("hypercorn"), "trio", version("trio"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/send.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: who does not read keeps the server from ending."
