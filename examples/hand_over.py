"""Take calls in one process, and answer them in another.

    at the desk:    PENDING → DISCONNECTED, as another process has the call
    at the worker:  PENDING → ANSWERED → DISCONNECTED

Both are in one program here, and a channel is the queue between them. In production each is a
process of its own, as many workers as it takes, and the queue is one that both can trust: who has
what goes through it can talk with the caller.

Run it with `python examples/hand_over.py --simulate`, or against a real exchange with its settings
in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import sys
from pathlib import Path

import trio

from trio_calls import ActiveCall, ClientConfig, serve_calls
from trio_calls.audio import find, read_wav
from trio_calls.demo import chosen_wire
from trio_calls.sessions import serve_handed_over
from trio_calls.simulator import open_simulator

SPEECH = Path(__file__).parent / "speech"
ALIKE = 0.9


async def work(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(read_wav(SPEECH / "goodbye.wav", call.audio_format.sample_rate))
    await call.disconnect()


async def main(config: ClientConfig) -> None:
    queue, documents = trio.open_memory_channel[str](100)

    async def hand_over(call: ActiveCall) -> None:
        handed_over = await call.hand_over("a worker")
        await queue.send(handed_over.to_json())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_handed_over, documents, work, config)
        nursery.start_soon(serve_calls, hand_over, config)


async def simulate() -> None:
    async with open_simulator(wire=chosen_wire()) as simulator, trio.open_nursery() as nursery:
        nursery.start_soon(main, simulator.config)
        call = simulator.place_call()
        await call.wait_ended()
        goodbye = read_wav(SPEECH / "goodbye.wav", simulator.config.sample_rate)
        has_heard_it = find(goodbye, call.caller.heard).correlation > ALIKE
        print("the caller has heard the worker" if has_heard_it else "nobody talked to the caller")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        trio.run(simulate)
    else:
        trio.run(main, ClientConfig.from_env())
