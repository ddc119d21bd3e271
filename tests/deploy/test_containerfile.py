"""The Containerfile: what it says, and what its steps do in an empty folder."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.support.containerfile import Image, build, parse
from tests.support.deployment import CHECKOUT, FILES, options_of_run
from tests.support.peers.web import fetch
from tests.support.processes import running, settings_of
from tests.support.requirements import is_required
from trio_calls.simulator import open_simulator

TEXT = (FILES / "Containerfile").read_text("utf-8")
INSTRUCTIONS = parse(TEXT)
#: Who it is in the image.
NOBODY = 65532

pytestmark = pytest.mark.pure


def words_of(name: str) -> list[list[str]]:
    return [one.words for one in INSTRUCTIONS if one.name == name]


def test_nothing_needs_a_shell() -> None:
    commands = [one for one in INSTRUCTIONS if one.name in {"RUN", "ENTRYPOINT", "CMD"}]
    assert len(commands) == 4
    assert all(one.is_exec for one in commands)
    assert not {"sh", "bash", "/bin/sh", "/bin/bash"} & {one.words[0] for one in commands}


def test_it_is_nobody_at_run_time() -> None:
    last = max(index for index, one in enumerate(INSTRUCTIONS) if one.name == "FROM")
    (user,) = [one.words for one in INSTRUCTIONS[last:] if one.name == "USER"]
    assert user == [f"{NOBODY}:{NOBODY}"]


def test_sources_are_in_the_checkout() -> None:
    copied = [one for one in INSTRUCTIONS if one.name == "COPY" and "from" not in one.options]
    sources = [source for one in copied for source in one.words[:-1]]
    assert len(sources) == 8
    assert [source for source in sources if not (CHECKOUT / source).exists()] == []


def test_keys_get_into_no_image_and_no_repository() -> None:
    ignored = (FILES / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    assert "**/exchange.env" in ignored
    # Builds of the package heed this one as well.
    assert "exchange.env" in (CHECKOUT / ".gitignore").read_text("utf-8").splitlines()


def test_extras_are_those_of_the_package() -> None:
    (install,) = [words for words in words_of("RUN") if "install" in words]
    extras = install[-1].partition("[")[2].rstrip("]").split(",")
    project = (CHECKOUT / "pyproject.toml").read_text("utf-8")
    assert [extra for extra in extras if f"\n{extra} = [" not in project] == []


def test_its_command_is_one_that_runs() -> None:
    assert words_of("ENTRYPOINT") == [["trio-calls", "run"]]
    (arguments,) = words_of("CMD")
    assert options_of_run(arguments)["monitor"] == "0.0.0.0:9090"
    assert words_of("EXPOSE") == [["9090"]]
    assert words_of("STOPSIGNAL") == [["SIGTERM"]]


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    # One of pytest's own would be closed to who is nobody.
    folder = Path(tempfile.mkdtemp(prefix="image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.skipif(
    not is_required("index"),
    reason="its steps download packages: they are run where TRIO_CALLS_REQUIRE has `index` in it",
)
async def test_its_steps_make_an_agent_that_serves(empty_folder: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    variables = {**inherited, "HOME": str(empty_folder)}
    image = await trio.to_thread.run_sync(build, TEXT, CHECKOUT, empty_folder, variables)
    shutil.rmtree(empty_folder / "build")
    before = sorted(image.root.rglob("*"))
    await serve_a_call(image, only_reading(image.root))
    assert sorted(image.root.rglob("*")) == before


def only_reading(root: Path) -> list[str]:
    """Take away the right to write there. Returns what a command begins with, to have none."""
    if os.geteuid() != 0:
        for path in root.rglob("*"):
            path.chmod(path.stat().st_mode & ~0o222, follow_symlinks=False)
        return []
    for path in [root, *root.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    # The user stays: nobody else may be able to read the interpreter that stands for the image's.
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]


async def serve_a_call(image: Image, unprivileged: list[str]) -> None:
    program = image.words(["/opt/agents/bin/trio-calls"])
    assert program[0] == shutil.which("trio-calls", path=image.variables()["PATH"])
    arguments = [word.replace("0.0.0.0:9090", "127.0.0.1:0") for word in image.arguments]
    # Without a home, and without a shell.
    alone = [*unprivileged, "env", "-i", f"--chdir={image.inside('.')}"]
    async with open_simulator(port=0) as simulator:
        settings = {**settings_of(simulator.config), **image.variables()}
        assigned = [f"{name}={value}" for name, value in settings.items()]
        command = [*alone, *assigned, *program, "run"]
        async with running(*arguments, program=command) as agent:
            (metrics,) = (await agent.wait_for(r"metrics are on (\S+)/metrics")).groups()
            await agent.wait_for("serving the calls")
            assert await fetch(f"{metrics}/readyz") == "ready\n"
            call = simulator.place_call()
            with trio.fail_after(20):
                await call.caller.wait_talking()
            agent.send_signal(signal.SIGTERM)
            await agent.wait_for("1 in progress may go on for 600 s")
            call.caller.hang_up()
            assert await agent.wait_status() == 0
