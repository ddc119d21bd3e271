#!/bin/sh
# Redis.time() of coredis tells the beginning of the second, and up to a thousandth of it more.
#
# TIME answers with seconds and microseconds. coredis divides the second number by 1000 and takes the
# result for microseconds again. So what it returns is up to a second early, and two calls within a
# second are apart by a thousandth of the time that was between them. Whoever measures by it, or
# compares it with what another client says, is wrong by as much.
#
# It is why a fleet of trio-calls reads TIME by itself: see trio_calls/fleet/_clock.py.
#
# Seen on 2026-11-29 with coredis 6.9.0, redis-server 7.0.15 and CPython 3.11.7:
#
#   largest of 20 fractions that TIME has answered: more than half a second
#   largest of 20 fractions that time() has returned: less than a thousandth of a second
#
# Needs redis-server, Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check coredis==6.9.0 trio==0.35.0

redis-server --port 0 --unixsocket "$folder/redis.sock" --save "" --dir "$folder" >"$folder/log" &
server=$!
until [ -S "$folder/redis.sock" ]; do sleep 0.1; done

cat >"$folder/time.py" <<'PYTHON'
import sys

import coredis
import trio


async def main(path):
    told, returned = [], []
    async with coredis.Redis(unix_socket_path=path) as redis:
        for _ in range(20):
            answer = await redis.create_request(b"TIME", callback=lambda answer, **_: answer)
            told.append(int(answer[1]) / 1_000_000)
            returned.append((await redis.time()).microsecond / 1_000_000)
            await trio.sleep(0.07)
    is_late = "more" if max(told) > 0.5 else "less"
    print(f"largest of 20 fractions that TIME has answered: {is_late} than half a second")
    is_short = "less" if max(returned) < 0.001 else "more"
    print(
        f"largest of 20 fractions that time() has returned: {is_short} than a thousandth of a second"
    )


trio.run(main, sys.argv[1])
PYTHON

cat >"$folder/expected" <<'TEXT'
largest of 20 fractions that TIME has answered: more than half a second
largest of 20 fractions that time() has returned: less than a thousandth of a second
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("coredis", version("coredis"), "trio", version("trio"), "CPython", platform.python_version())
'
redis-server --version
"$folder/venv/bin/python" "$folder/time.py" "$folder/redis.sock" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: what time() tells of a second is a thousandth of what it was."
