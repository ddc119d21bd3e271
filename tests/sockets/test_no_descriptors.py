"""A process that runs out of descriptors: one call's trouble, wherever the last one was needed."""

import os
import resource
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pure,
    pytest.mark.skipif(sys.platform != "linux", reason="it counts descriptors as Linux does"),
]

# One call is answered with `free` descriptors left; another one, which talks, must not notice.
PROGRAM = """
import logging, os, sys
import attrs, trio
from trio_calls import CallState, WSSMediaError, events, open_call_client
from trio_calls.simulator import cut_control, open_simulator

free, transport = int(sys.argv[1]), sys.argv[2]


async def main():
    async with open_simulator(port=0) as simulator:
        config = attrs.evolve(simulator.config, transport=transport)
        async with open_call_client(config) as client:
            done = trio.Event()

            @client.on(events.INCOMING_CALL)
            async def handle(call):
                if call.caller_number == "talks":
                    await call.answer()
                    await call.wait_disconnected()
                    return
                held = []
                try:
                    while True:
                        held.append(os.dup(0))
                except OSError:
                    for _ in range(min(free, len(held))):
                        os.close(held.pop())
                try:
                    # The other end is in this process as well: it may have got the last one.
                    with trio.move_on_after(1):
                        await call.answer()
                except WSSMediaError:
                    pass
                simulator.inject(cut_control())
                await trio.sleep(0.7)
                for descriptor in held:
                    os.close(descriptor)
                done.set()
                await trio.sleep(2)

            talks = simulator.place_call(caller="talks")
            await talks.caller.wait_talking()
            simulator.place_call(caller="unlucky")
            await done.wait()
            assert talks.agent_states[-1] is CallState.ANSWERED
            late = simulator.place_call(caller="talks")
            with trio.fail_after(20):
                await late.caller.wait_talking()
            assert talks.agent_states[-1] is CallState.ANSWERED
            talks.caller.hang_up()


logging.basicConfig(level=logging.CRITICAL)
trio.run(main)
"""


@pytest.mark.parametrize("transport", ["websockets", "trio-websocket"])
@pytest.mark.parametrize("free", [0, 1])
def test_no_descriptor_left_is_one_calls_trouble(free: int, transport: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(free), transport],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )
    assert ended.returncode == 0, ended.stderr
