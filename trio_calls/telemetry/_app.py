"""The pages of a monitor. Needs the extra ``trio-calls[monitor]``."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trio_calls.telemetry._exposition import write_metrics
from trio_calls.telemetry._reports import Reporter


def make_app(reporter: Reporter) -> ASGIApp:
    """Make the application.

    Args:
      reporter: is asked for what it shows.
    """
    pages = _Pages(reporter)
    return Starlette(
        routes=[
            Route("/metrics", pages.metrics),
            Route("/healthz", pages.health),
            Route("/readyz", pages.readiness),
            Route("/calls", pages.calls),
        ]
    )


class _Pages:
    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    async def metrics(self, request: Request) -> Response:
        report = await self._reporter.report()
        text, media_type = write_metrics(report.numbers, request.headers.get("accept", ""))
        return _fresh(Response(text, headers={"Content-Type": media_type}))

    async def health(self, request: Request) -> Response:
        # That it comes at all is what it says: whoever is stuck does not answer.
        return _fresh(PlainTextResponse("ok\n"))

    async def readiness(self, request: Request) -> Response:
        report = await self._reporter.report()
        if report.not_ready is not None:
            return _fresh(PlainTextResponse(f"{report.not_ready}\n", 503))
        return _fresh(PlainTextResponse("ready\n"))

    async def calls(self, request: Request) -> Response:
        report = await self._reporter.report(with_calls=True)
        return _fresh(JSONResponse(report.calls))


def _fresh(response: Response) -> Response:
    """Keep an answer from being shown when it is old, or as something else than it is."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
