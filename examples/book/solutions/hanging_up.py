"""A bill that says whether the caller has waited for the answer."""

from examples.book.hanging_up import help_caller
from examples.book.stage import note
from trio_calls import ActiveCall


async def tells_how_it_ended(call: ActiveCall) -> None:
    await call.answer()
    with call.cancel_on_hangup() as block:
        await help_caller(call)
    note("the bill: nothing, as Ada hung up" if block.cancelled_caught else "the bill: one answer")
