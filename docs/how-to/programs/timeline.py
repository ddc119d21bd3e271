"""Writing a timeline, and reading it; the page "Read a timeline" shows it."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import trio

from trio_calls import ActiveCall
from trio_calls.audio import noise
from trio_calls.voice import open_voice

PATH = Path("call.jsonl")
ANSWER = noise(1, 24_000, seed=1)


async def look_up(pcm: bytes) -> dict[str, str]:
    del pcm
    await trio.sleep(0.4)  # your agent recognizes what was said, and asks a database
    return {"order": "A7", "status": "sent"}


async def synthesize() -> AsyncIterator[bytes]:
    await trio.sleep(0.15)  # your synthesizer takes its time, too
    yield ANSWER


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice, voice.write_timeline(PATH):
        async for utterance in voice.utterances():
            order = await look_up(utterance.pcm)
            voice.note("looked up", **order)
            await voice.say(synthesize(), text="Your order is on its way.")
        for time in voice.statistics().reaction_times:
            logging.info("%.2f s, %.2f of it thinking", time.total_seconds, time.thinking_seconds)


def slowest_turn(path: Path) -> dict[str, float]:
    with path.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    turns = [record for record in records if record["kind"] == "turn"]
    return max(turns, key=lambda turn: turn["total"])
