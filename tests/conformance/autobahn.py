"""Run the client cases of the Autobahn testsuite on every transport, and judge them.

The testsuite needs Python 2.7 with pip, so this is a script and no test::

    PYTHONPATH=. python tests/conformance/autobahn.py python2.7

It installs the testsuite from PyPI into a temporary folder, or into ``--folder``, where the next
run finds it, together with the testsuite's own report. It fails if a case does not end well and
the lists here do not say why.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import trio

from tests.support.transports import TRANSPORTS, Connect
from trio_calls.transport import WebSocketClosed

TESTSUITE = "autobahntestsuite==25.10.1"

#: Compression, which we do not offer.
DO_NOT_APPLY = ["12.*", "13.*"]

#: Messages of 4 MiB and more: they are refused with 1009, as they should be.
TOO_LONG = {
    *(f"9.{kind}.{step}" for kind in (1, 2) for step in (4, 5, 6)),
    *(f"9.{kind}.{step}" for kind in (3, 4) for step in range(1, 10)),
}

#: A message is to be said back that comes in one breath with a broken rule. The connection may be
#: over by then; the testsuite calls that "non-strict".
CUT_SHORT = {"3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"}

#: Text that is not UTF-8 is to be noticed before its frame is whole. It is noticed then.
NOTICED_LATE = {"6.4.3", "6.4.4"}

#: A close between fragments: websockets answers 1002 where 1000 is wanted.
ANSWERED_1002 = {"7.1.5"}

#: pip takes namespace packages apart, and only `site` puts them together again.
RUN_SERVER = """
import site, sys
site.addsitedir(sys.argv[1])
sys.path.insert(0, sys.argv.pop(1))
from autobahntestsuite.wstest import run
run()
"""


def is_as_expected(case: str, result: dict[str, Any]) -> bool:
    """Judge one case of the testsuite's report."""
    if case in TOO_LONG:
        return bool(result["remoteCloseCode"] == 1009)
    if case in ANSWERED_1002 and result["remoteCloseCode"] == 1002:
        return True
    good = {"OK", "INFORMATIONAL"}
    good_enough = good | {"NON-STRICT"} if case in CUT_SHORT | NOTICED_LATE else good
    return result["behavior"] in good_enough and result["behaviorClose"] in good


async def unused_port() -> int:
    with trio.socket.socket() as unused:
        await unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@asynccontextmanager
async def run_server(python2: str, folder: trio.Path) -> AsyncIterator[str]:
    """Run the testsuite's server for the block. Yields its address."""
    packages = folder / "packages"
    if not await packages.exists():
        install = [python2, "-m", "pip", "install", "--quiet", "--target", str(packages), TESTSUITE]
        await trio.run_process(install)
    url = f"ws://127.0.0.1:{await unused_port()}"
    settings = {
        "url": url,
        "outdir": str(folder / "report"),
        "cases": ["*"],
        "exclude-cases": DO_NOT_APPLY,
        "exclude-agent-cases": {},
    }
    await (folder / "settings.json").write_text(json.dumps(settings))
    arguments = ["-m", "fuzzingserver", "-s", str(folder / "settings.json")]
    command = [python2, "-c", RUN_SERVER, str(packages), *arguments]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.run_process, command, stdout=subprocess.DEVNULL))
        yield url
        nursery.cancel_scope.cancel()


async def say_back(connect: Connect, url: str) -> list[str | bytes]:
    """Say back every message until the connection is over. Returns them."""
    messages = []
    async with trio.open_nursery() as nursery:
        websocket = await connect(
            nursery, url, headers={}, ssl_context=None, open_stream=None, within_seconds=10
        )
        with suppress(WebSocketClosed):
            while True:
                for message in await websocket.receive_batch():
                    messages.append(message)
                    await websocket.send(message)
        await websocket.aclose()
    return messages


async def wait_listening(url: str) -> None:
    port = int(url.rpartition(":")[2])
    with trio.fail_after(60):
        while True:
            with suppress(OSError):
                await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
                return
            await trio.sleep(0.2)


async def run_cases(python2: str, folder: trio.Path) -> dict[str, dict[str, Any]]:
    """Run every case on every transport. Returns the testsuite's report."""
    async with run_server(python2, folder) as url:
        await wait_listening(url)
        for name, connect in TRANSPORTS.items():
            [count] = await say_back(connect, f"{url}/getCaseCount")
            for case in range(1, int(count) + 1):
                with trio.fail_after(100):
                    await say_back(connect, f"{url}/runCase?case={case}&agent={name}")
            await say_back(connect, f"{url}/updateReports?agent={name}")
    report: dict[str, Any] = json.loads(await (folder / "report" / "index.json").read_text())
    return report


def judge(report: dict[str, dict[str, Any]]) -> bool:
    """Print how every transport did. Returns whether all of them did as expected."""
    is_good = True
    for transport, results in report.items():
        counts = Counter(result["behavior"] for result in results.values())
        print(f"{transport}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        print(f"  too long for us, refused with 1009: {len(TOO_LONG & results.keys())}")
        for case, result in results.items():
            if not is_as_expected(case, result):
                print(f"  {case}: {result}")
                is_good = False
    return is_good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python2", help="a Python 2.7 with pip")
    parser.add_argument("--folder", type=Path, help="keeps the testsuite and its report")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        report = trio.run(run_cases, options.python2, trio.Path(folder))
    sys.exit(0 if judge(report) else 1)


if __name__ == "__main__":
    main()
