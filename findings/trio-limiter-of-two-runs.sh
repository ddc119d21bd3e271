#!/bin/sh
# A CapacityLimiter of Trio loses a token for good where trio.run ends before a thread that was
# abandoned. Used in the next run, it lets one thread less work, and in the end none.
#
# With abandon_on_cancel=True, to_thread.run_sync returns when it is cancelled, and the thread keeps
# its token until it ends, as it should. But it is the event loop that gives the token back. If the
# run is over by then, nothing does. A limiter can be made and used outside of a run, and one that
# bounds something of the whole process, such as the threads of a model, is best kept in a global.
# Tests have a run each, and programs may have several. The default limiter has no such trouble, as
# each run has its own.
#
# It is why SmartTurn of trio-calls has one limiter for each run.
#
# Seen on 2026-11-28 with trio 0.35.0 and CPython 3.11.7:
#
#   abandoned, in the same run: 1 of 2 tokens borrowed; when the thread has ended: 0
#   abandoned, and the run over: 1 of 2 tokens borrowed; when the thread has ended: 1
#   again: 2 of 2 tokens borrowed; when the thread has ended: 2
#   in a new run, with no thread at work: WouldBlock
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trio==0.35.0

cat >"$folder/limit.py" <<'PYTHON'
import threading
import time

import trio

limiter = trio.CapacityLimiter(2)


class Work:
    def __init__(self):
        self.may_end = threading.Event()

    def run(self):
        self.may_end.wait()

    def end(self):
        self.may_end.set()
        # Long enough for its thread to tell Trio.
        time.sleep(0.5)


async def abandon(work):
    with trio.move_on_after(0.1):
        await trio.to_thread.run_sync(work.run, limiter=limiter, abandon_on_cancel=True)


async def abandon_and_stay():
    work = Work()
    await abandon(work)
    before = limiter.borrowed_tokens
    work.end()
    await trio.sleep(0.5)
    told("abandoned, in the same run", before)


def abandon_and_end(name):
    work = Work()
    trio.run(abandon, work)
    before = limiter.borrowed_tokens
    work.end()
    told(name, before)


def told(name, before):
    after = limiter.borrowed_tokens
    print(f"{name}: {before} of 2 tokens borrowed; when the thread has ended: {after}")


async def take_one():
    try:
        limiter.acquire_nowait()
    except trio.WouldBlock:
        print("in a new run, with no thread at work: WouldBlock")
    else:
        print("in a new run, with no thread at work: a token")


trio.run(abandon_and_stay)
abandon_and_end("abandoned, and the run over")
abandon_and_end("again")
trio.run(take_one)
PYTHON

cat >"$folder/expected" <<'TEXT'
abandoned, in the same run: 1 of 2 tokens borrowed; when the thread has ended: 0
abandoned, and the run over: 1 of 2 tokens borrowed; when the thread has ended: 1
again: 2 of 2 tokens borrowed; when the thread has ended: 2
in a new run, with no thread at work: WouldBlock
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("trio", version("trio"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/limit.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: what a thread has borrowed is lost if the run is over when it ends."
