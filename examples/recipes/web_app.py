"""Serve calls and web pages in one Trio program. SIGTERM ends both, the calls first.

    GET  /calls                   the calls in progress
    POST /calls/{call_id}/hang-up ends one of them

It needs pip install '.[phone]', which has Starlette and Hypercorn. Run it from the top of the
checkout, with the settings of an exchange in the environment (WSS_API_KEY, WSS_CONNECTOR_UUID):
`python -m examples.recipes.web_app`. Others than you must not reach it: it asks for no password.
"""

import logging
from functools import partial

import hypercorn.config
import hypercorn.trio
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trio_calls import ActiveCall, CallClient, ClientConfig, events, open_call_client


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


def make_app(client: CallClient) -> Starlette:
    async def list_calls(request: Request) -> Response:
        return JSONResponse([{"id": c.call_id, "state": c.state.name} for c in client.calls])

    async def hang_up(request: Request) -> Response:
        for call in client.calls:
            if call.call_id == request.path_params["call_id"]:
                await call.disconnect()
                return Response(status_code=204)
        return Response(status_code=404)

    return Starlette(
        routes=[
            Route("/calls", list_calls),
            Route("/calls/{call_id}/hang-up", hang_up, methods=["POST"]),
        ]
    )


async def serve(
    config: ClientConfig,
    bind: str,
    *,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    web_config = hypercorn.config.Config()
    web_config.bind = [bind]
    async with open_call_client(config) as client, trio.open_nursery() as nursery:
        client.on(events.INCOMING_CALL)(handle_call)
        calls_are_over = trio.Event()
        serve_pages = partial(
            hypercorn.trio.serve,
            make_app(client),  # type: ignore[arg-type]  # of Starlette's own types of ASGI
            web_config,
            shutdown_trigger=calls_are_over.wait,
        )
        task_status.started(await nursery.start(serve_pages))  # the addresses of the pages
        await client.run_forever()  # returns when SIGTERM has drained the calls
        calls_are_over.set()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    trio.run(serve, ClientConfig.from_env(), "127.0.0.1:8000")
