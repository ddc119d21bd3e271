"""Printing never matters to calls, whatever becomes of the output."""

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from typing import TextIO

import click
import pytest

from trio_calls.cli.output import MAX_WAITING_LINES, open_output

pytestmark = [
    pytest.mark.pure,
    pytest.mark.skipif(os.name != "posix", reason="it fills pipes"),
]


class Pipe:
    """A pipe that the process prints to.

    Attributes:
      reader: the descriptor of the end that somebody may read.
      stream: the other end.
    """

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.stream: TextIO = os.fdopen(writer, "w", encoding="utf-8")

    def read(self) -> str:
        """Read until all writers are gone."""
        with open(self.reader, encoding="utf-8") as reader:
            return reader.read()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    with suppress(BrokenPipeError):
        pipe.stream.close()


def test_lines_come_out_whole_and_in_order(pipe: Pipe) -> None:
    with redirect_stdout(pipe.stream), open_output():
        for number in range(100):
            print("line", number, end="")
            print()
        click.echo("grüß dich")
        sys.stdout.write("the rest")
    pipe.stream.close()
    lines = [f"line {number}" for number in range(100)]
    assert pipe.read().split("\n") == [*lines, "grüß dich", "the rest"]


def test_a_reader_that_goes_away_is_not_noticed(pipe: Pipe) -> None:
    with redirect_stdout(pipe.stream), open_output():
        os.close(pipe.reader)
        for number in range(3 * MAX_WAITING_LINES):
            print("line", number, flush=True)
            click.echo("another")


def test_a_reader_that_stops_reading_holds_up_nobody(pipe: Pipe) -> None:
    line = "x" * 4000
    with redirect_stdout(pipe.stream), open_output():
        for _ in range(3 * MAX_WAITING_LINES):
            print(line, flush=True)
        begun = os.read(pipe.reader, 2**20)
        # Writing goes on, and says how much is missing.
        read = [begun]
        while b"lines dropped)" not in read[-1]:
            print("and again", flush=True)
            read.append(os.read(pipe.reader, 2**20))
    assert b"".join(read).count(line.encode()) <= 2 * MAX_WAITING_LINES


def test_a_full_disk_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stderr", full)
        with open_output():
            print("nobody will ever read this", file=sys.stderr, flush=True)


def test_a_stream_that_a_handler_has_closed_still_prints(pipe: Pipe) -> None:
    with redirect_stdout(pipe.stream), open_output():
        sys.stdout.close()
        print("here I am")
    pipe.stream.close()
    assert pipe.read() == "here I am\n"


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_stream_without_a_descriptor_stays(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    with open_output():
        assert sys.stdout is stream
        click.echo("here I am")


def test_where_no_thread_can_be_started_lines_are_written(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with redirect_stdout(pipe.stream), open_output():
        print("here I am")
    pipe.stream.close()
    assert pipe.read() == "here I am\n"


def test_a_process_that_was_forked_off_prints_by_itself(pipe: Pipe) -> None:
    with redirect_stdout(pipe.stream), open_output():
        child = os.fork()
        if not child:
            print("of the child", flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print("of the parent")
    pipe.stream.close()
    assert pipe.read() == "of the child\nof the parent\n"
