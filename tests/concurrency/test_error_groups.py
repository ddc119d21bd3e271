import asyncio

import pytest
import trio

from trio_calls.concurrency.error_groups import holds_only, plain_program_end, split_failure


class Grouped(ValueError):
    pass


def group(*errors: BaseException) -> BaseExceptionGroup[BaseException]:
    return BaseExceptionGroup("several", errors)


async def cancelled() -> trio.Cancelled:
    """Get hold of a real one."""
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as error:
            caught = error
            raise
    return caught


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        asyncio.CancelledError(),
        GeneratorExit(),
        BaseException("of a kind of its own"),
        group(ValueError("one"), GeneratorExit()),
    ],
)
async def test_whatever_it_is_it_is_a_failure(error: BaseException) -> None:
    assert split_failure(error) == (error, None)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
async def test_what_ends_the_program_goes_on_as_it_is(kind: type[BaseException]) -> None:
    alone = kind()
    among_others = group(ValueError("a bug"), group(alone))
    assert split_failure(alone) == (None, alone)
    assert split_failure(among_others) == (None, among_others)


async def test_a_cancellation_from_outside_goes_on() -> None:
    error = await cancelled()
    with trio.CancelScope() as scope:
        scope.cancel()
        assert split_failure(error) == (None, error)
        failure, goes_on = split_failure(group(ValueError("clean-up"), group(error)))
        await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert isinstance(failure, BaseExceptionGroup)
    assert [str(inner) for inner in failure.exceptions] == ["clean-up"]
    assert isinstance(goes_on, BaseExceptionGroup)
    assert holds_only(goes_on, trio.Cancelled)


async def test_a_cancellation_of_nobody_here_is_a_failure() -> None:
    error = await cancelled()
    assert split_failure(error) == (error, None)
    mixed = group(ValueError("a bug"), error)
    assert split_failure(mixed) == (mixed, None)


def test_a_group_holds_only_a_kind_if_all_of_it_is_of_the_kind() -> None:
    assert holds_only(Grouped(), ValueError)
    assert holds_only(group(Grouped(), group(ValueError())), ValueError)
    assert not holds_only(group(Grouped(), group(KeyError())), ValueError)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_comes_out_of_groups(kind: type[BaseException]) -> None:
    end = kind()
    with pytest.raises(kind) as alone, plain_program_end():
        raise group(group(end))
    assert alone.value is end
    assert alone.value.__cause__ is None
    mixed = group(ValueError("a bug"), group(end))
    with pytest.raises(kind) as among_others, plain_program_end():
        raise mixed
    assert among_others.value.__cause__ is mixed


def test_other_groups_are_left_as_they_are() -> None:
    with pytest.RaisesGroup(ValueError), plain_program_end():
        raise group(ValueError("a bug"))
