"""Tell Kubernetes what it costs to delete this pod: as much as it has calls.

Of several pods, a Deployment that becomes smaller deletes the one with the lowest
`controller.kubernetes.io/pod-deletion-cost` first. This sets it on its own pod, to the number of
calls that the monitor of the agent beside it shows. It is a hint: whoever is deleted drains.

Each change goes to the API server, which has other things to do. So calls are counted in steps, and
the cost is looked at twice a minute.

    python deletion_cost.py --monitor http://127.0.0.1:9090
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import ssl
from pathlib import Path
from typing import Final

import attrs
import httpx
import trio

ANNOTATION: Final = "controller.kubernetes.io/pod-deletion-cost"
CREDENTIALS: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")

logger = logging.getLogger("deletion_cost")


@attrs.frozen
class Pod:
    """A pod of the API server.

    Attributes:
      url: of it.
      token_path: the file of the token, which Kubernetes renews.
    """

    url: str
    token_path: Path

    @classmethod
    def own(cls, credentials: Path = CREDENTIALS) -> Pod:
        """Find the pod that this process is in.

        Raises:
          KeyError: a variable is not set.
        """
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        namespace, name = os.environ["POD_NAMESPACE"], os.environ["POD_NAME"]
        return cls(f"{server}/api/v1/namespaces/{namespace}/pods/{name}", credentials / "token")

    def read_token(self) -> str:
        """Read the token as it is now. It lies in memory: that takes no time."""
        return self.token_path.read_text(encoding="ascii").strip()


def cost_of(calls: int, step: int) -> int:
    """Return the cost of so many calls, rounded up: only a pod without calls costs nothing."""
    return -(-calls // step) * step


async def count_calls(http: httpx.AsyncClient, monitor_url: str) -> int:
    """Ask the monitor how many calls there are."""
    response = await http.get(f"{monitor_url}/calls")
    response.raise_for_status()
    return len(response.json())


async def set_cost(http: httpx.AsyncClient, pod: Pod, cost: int) -> None:
    """Write the cost on the pod."""
    response = await http.patch(
        pod.url,
        json={"metadata": {"annotations": {ANNOTATION: str(cost)}}},
        headers={
            "Authorization": f"Bearer {pod.read_token()}",
            "Content-Type": "application/merge-patch+json",
        },
    )
    response.raise_for_status()


async def keep_cost(
    http: httpx.AsyncClient, monitor_url: str, pod: Pod, *, every_seconds: float, step: int
) -> None:
    """Keep the cost of a pod up to date until cancelled. What fails is tried again later."""
    known: int | None = None
    # Pods that were started together do not ask the API server together.
    await trio.sleep(random.uniform(0, every_seconds))
    while True:
        try:
            cost = cost_of(await count_calls(http, monitor_url), step)
            if cost != known:
                await set_cost(http, pod, cost)
                known = cost
        except (httpx.HTTPError, OSError, ValueError) as error:
            known = None
            logger.warning("the cost of this pod is not up to date: %s", error)
        await trio.sleep(every_seconds)


async def main(monitor_url: str, every_seconds: float, step: int) -> None:
    """Keep the cost of this pod up to date until SIGTERM."""
    trust = ssl.create_default_context(cafile=CREDENTIALS / "ca.crt")
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        # No proxy of the environment gets to see the token.
        async with (
            httpx.AsyncClient(verify=trust, timeout=5, trust_env=False) as http,
            trio.open_nursery() as nursery,
        ):

            @nursery.start_soon
            async def keep() -> None:
                await keep_cost(
                    http, monitor_url, Pod.own(), every_seconds=every_seconds, step=step
                )

            await anext(signals)
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tell Kubernetes how many calls this pod has.")
    parser.add_argument("--monitor", default="http://127.0.0.1:9090", help="of the agent")
    parser.add_argument("--every", type=float, default=30.0, help="seconds")
    parser.add_argument("--step", type=int, default=5, help="calls")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)-7s %(message)s")
    trio.run(main, options.monitor, options.every, options.step)
