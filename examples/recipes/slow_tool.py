"""Call a tool that may be slow, or fail, and say so meanwhile.

    PENDING → ANSWERED → DISCONNECTED

A quick answer comes without a word. After two seconds the agent asks for patience, and again from
time to time. After thirty it gives up.

Run it from the top of the checkout, with the settings of an exchange in the environment
(WSS_API_KEY, WSS_CONNECTOR_UUID): `python -m examples.recipes.slow_tool`.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from trio_calls import ActiveCall, run
from trio_calls.voice import Voice, open_voice

SPEECH = Path(__file__).parents[1] / "speech"

QUICK_SECONDS = 2
REMIND_SECONDS = 10
PATIENCE_SECONDS = 30

Tool = Callable[[], Awaitable[Path]]


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    with call.cancel_on_hangup():
        async with open_voice(call) as voice:
            try:
                answer = await use(find_somebody, voice)
            except* (ConnectionError, trio.TooSlowError):
                answer = SPEECH / "not_available.wav"
            await voice.say(answer)
        await call.disconnect()


async def use(tool: Tool, voice: Voice) -> Path:
    """Return what a tool returns, and keep the caller company until it does.

    Raises:
      trio.TooSlowError: it took longer than anybody would wait.
    """
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_company, voice)
            answer = await tool()
            nursery.cancel_scope.cancel()
    return answer


async def keep_company(voice: Voice) -> None:
    await trio.sleep(QUICK_SECONDS)
    while True:
        # A sentence that was begun is finished: an answer in mid-word would be rude.
        with trio.move_on_after(5, shield=True):
            await voice.say(SPEECH / "please_hold.wav")
        await trio.sleep(REMIND_SECONDS)


async def find_somebody() -> Path:
    """Stand in for a tool of yours."""
    await trio.sleep(15)
    return SPEECH / "goodbye.wav"


if __name__ == "__main__":
    run(handle_call)
