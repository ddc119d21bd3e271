"""The names of events, and the set of those that a call can have."""

from trio_calls import events


def test_every_name_of_a_call_event_is_in_the_set() -> None:
    names = {name: value for name, value in vars(events).items() if name.startswith("CALL_")}
    del names["CALL_EVENTS"]
    assert set(names.values()) == events.CALL_EVENTS
    assert {name: name.lower() for name in names} == names
