"""Answer what people write over WhatsApp: tell them when the shop is open, or say that it is read.

Run it with `python examples/answer_messages.py --simulate`, or against a real exchange with its
settings in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID) and no option.
"""

import logging
import sys
from typing import Any

import trio

from trio_calls import ClientConfig, events, open_call_client
from trio_calls.demo import chosen_wire
from trio_calls.sessions import (
    Conversation,
    IncomingMessage,
    WSSMessageError,
    WSSMessageInDoubtError,
)
from trio_calls.simulator import open_simulator

API_VERSION = "v23.0"
HOURS = "We are open from 9 to 5. Anything else?"
THANKS = "Thank you, somebody will read this."


def plain_text(conversation: Conversation, body: str) -> dict[str, Any]:
    """A text, in the form that WhatsApp has it."""
    return {
        "messaging_product": "whatsapp",
        "type": "text",
        "to": conversation.remote_address,
        "text": {"body": body},
    }


def answer_to(message: IncomingMessage) -> str:
    if message.content.get("type") != "text":
        return THANKS  # a picture, a place, a voice message
    return HOURS if "open" in message.content["text"]["body"].lower() else THANKS


async def answer_messages(conversation: Conversation) -> None:
    async for message in conversation:  # ends when the conversation does
        answer = plain_text(conversation, answer_to(message))
        try:
            await conversation.send(api_version=API_VERSION, data=answer)
        except WSSMessageInDoubtError as error:
            # To send it again could mean to send it twice.
            logging.warning("an answer may not have gone out: %s", error)
        except WSSMessageError as error:
            logging.warning("an answer was refused: %s", error)


async def serve(config: ClientConfig) -> None:
    async with open_call_client(config) as client:
        client.on(events.INCOMING_MESSAGE)(answer_messages)
        await client.run_forever()


async def simulate() -> None:
    """Let somebody write to it, in this process, and print what is said."""
    async with open_simulator(wire=chosen_wire()) as simulator, trio.open_nursery() as nursery:
        nursery.start_soon(serve, simulator.config)
        partner = simulator.place_message(content="Are you open today?")
        await partner.wait_reply()
        partner.write("Please call me back.")
        await partner.wait_reply()
        partner.close()
        for message in partner.messages:
            who = "agent" if message.is_from_agent else "partner"
            print(f"{who:>8}: {message.text}")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    if "--simulate" in sys.argv:
        trio.run(simulate)
    else:
        trio.run(serve, ClientConfig.from_env())
