#!/bin/sh
# A pipeline of coredis that is cancelled while it connects ends with ConnectionError on Trio.
#
# The first that is asked of a client connects, and waits for the answer to HELLO. Where a deadline of
# the application ends that, the task that connects makes a ConnectionError of its own cancellation, and
# the pipeline raises it in the application's task. So `move_on_after` does not move on, but raises,
# and `fail_after` raises something else than TooSlowError. A server that is stopped, or one behind a
# firewall that swallows what it answers, is all that it takes. When there is a connection already, a
# pipeline is cancelled as it should be. So is a single command, unless the client has NoRetryPolicy:
# it is about to try again then, and notices.
#
# It is why a fleet of trio-calls looks whether it was cancelled whenever Redis cannot be reached: see
# trio_calls/fleet/_connection.py.
#
# Seen on 2026-11-29 with coredis 6.9.0, trio 0.35.0 and CPython 3.11.7:
#
#   a pipeline in move_on_after: ConnectionError, caught its cancellation: False
#   a pipeline in fail_after: ConnectionError
#   a command in move_on_after: quietly, caught its cancellation: True
#   a command that is not tried again: ConnectionError, caught its cancellation: False
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check coredis==6.9.0 trio==0.35.0

cat >"$folder/connect.py" <<'PYTHON'
import logging

import coredis
import trio
from coredis.retry import NoRetryPolicy

# It logs an error with a traceback, too.
logging.getLogger("coredis").setLevel(logging.CRITICAL)


async def by_pipeline(redis):
    async with redis.pipeline() as pipe:
        pipe.ping()


async def by_command(redis):
    await redis.ping()


async def outcome_of(redis, ask, deadline):
    try:
        with deadline as scope:
            await ask(redis)
    except Exception as error:
        return type(error).__name__, scope
    return "quietly", scope


async def ask_within(port, ask, deadline, **options):
    # What the block of a client raises would come out of it in a group.
    async with coredis.Redis(port=port, **options) as redis:
        return await outcome_of(redis, ask, deadline(0.3))


async def main():
    # Its connections are accepted by the system, and nobody reads them.
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    for what, ask, options in (
        ("a pipeline in move_on_after", by_pipeline, {}),
        ("a command in move_on_after", by_command, {}),
        ("a command that is not tried again", by_command, {"retry_policy": NoRetryPolicy()}),
    ):
        outcome, scope = await ask_within(port, ask, trio.move_on_after, **options)
        print(f"{what}: {outcome}, caught its cancellation: {scope.cancelled_caught}")
        if ask is by_pipeline:
            outcome, _ = await ask_within(port, ask, trio.fail_after)
            print(f"a pipeline in fail_after: {outcome}")


trio.run(main)
PYTHON

cat >"$folder/expected" <<'TEXT'
a pipeline in move_on_after: ConnectionError, caught its cancellation: False
a pipeline in fail_after: ConnectionError
a command in move_on_after: quietly, caught its cancellation: True
a command that is not tried again: ConnectionError, caught its cancellation: False
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("coredis", version("coredis"), "trio", version("trio"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/connect.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: the cancellation of a pipeline that connects is an error."
