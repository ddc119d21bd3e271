"""Interrupt."""

from examples.book.interrupting import ada_interrupts, cancels_everything, cancels_what_talks
from examples.book.solutions.interrupting import ada_coughs, does_not_mind_a_cough
from examples.book.stage import GREETING, run

GREETING_SECONDS = len(GREETING) / 48_000


def test_ada_is_cut_off_when_everything_is_cancelled() -> None:
    scene = run(cancels_everything, ada_interrupts)
    ((_, seconds),) = scene.heard(GREETING)
    assert seconds > GREETING_SECONDS - 0.1
    assert scene.noted("line goes dead while Ada speaks") < 4


def test_the_greeting_stops_and_the_agent_listens_on() -> None:
    scene = run(cancels_what_talks, ada_interrupts)
    ((_, seconds),) = scene.heard(GREETING)
    assert seconds < 1.5
    assert scene.notes[-1][1] == "Ada hangs up"
    said = scene.call.caller.said
    assert scene.call.agent_heard.rstrip(b"\0").endswith(said.rstrip(b"\0")[-9600:])


def test_solution_a_cough_interrupts_nobody() -> None:
    scene = run(does_not_mind_a_cough, ada_coughs)
    ((_, seconds),) = scene.heard(GREETING)
    assert seconds > GREETING_SECONDS - 0.1
