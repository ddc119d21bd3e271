"""What the WebSocket libraries log of our connections, whatever an application asks for."""

import io
import logging.config
from collections.abc import Iterator

import pytest

from tests.support.peers.frames import PING, TEXT, close, frame
from tests.support.peers.websocket_server import converse
from tests.support.transports import Connect

KEY = "an-api-key-of-ours"
LIBRARIES = ("trio-websocket", "websockets.client")


@pytest.fixture(params=[True, False], ids=["existing loggers disabled", "existing loggers kept"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """All that is logged once an application has asked for everything."""
    root, stream = logging.getLogger(), io.StringIO()
    level, handlers = root.level, root.handlers[:]
    disabled = {name: logging.getLogger(name).disabled for name in [*root.manager.loggerDict]}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": request.param,
            "handlers": {"all": {"class": "logging.StreamHandler", "stream": stream}},
            "root": {"level": "DEBUG", "handlers": ["all"]},
            "loggers": {name: {"level": "DEBUG"} for name in LIBRARIES},
        }
    )
    yield stream
    root.setLevel(level)
    root.handlers[:] = handlers
    for name, was_disabled in disabled.items():
        logging.getLogger(name).disabled = was_disabled
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)


async def test_no_library_logs_what_goes_over_our_connections(
    transport: Connect, log: io.StringIO
) -> None:
    said = [frame(TEXT, KEY.encode()), frame(PING, KEY.encode()), close(1000, KEY.encode())]
    talk = await converse(transport, *said)
    assert talk.received == [KEY]
    assert KEY not in log.getvalue()
    assert "Sec-WebSocket" not in log.getvalue()


def test_other_users_of_trio_websocket_keep_their_log(log: io.StringIO) -> None:
    logger = logging.getLogger("trio-websocket")
    logger.disabled = False
    logger.debug("%s received %d bytes", object(), 7)
    assert "received 7 bytes" in log.getvalue()
