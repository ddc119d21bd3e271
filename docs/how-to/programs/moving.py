"""An agent as telcoflow's users know it; the page "Moving from telcoflow" shows it."""

import trio

from trio_calls import ActiveCall, ClientConfig, WSSCallCommandError, events, open_call_client


async def main(config: ClientConfig) -> None:
    async with open_call_client(config) as client:

        @client.on(events.INCOMING_CALL)
        async def on_call(call: ActiveCall) -> None:
            await call.answer()
            with trio.move_on_after(5):
                async for chunk in call.audio_stream():
                    await call.send_audio(chunk)
            try:
                await call.connect(ring_time_seconds=30)
            except WSSCallCommandError as error:
                if error.error_code != "CALL_UNANSWERED":
                    raise
            await call.close()

        await client.run_forever()


if __name__ == "__main__":
    trio.run(main, ClientConfig.from_env())
