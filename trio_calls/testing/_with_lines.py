"""Which ``with`` statements are open at an instruction, and in which lines they stand. Pure.

stackscope tells that of the Pythons whose frames it knows to the last field. This only needs the
code: which exceptions would be handled where, from the inside to the outside.
"""

from __future__ import annotations

import dis
from types import CodeType


def open_with_lines(code: CodeType, instruction: int) -> list[int]:
    """List the lines of the ``with`` statements that are open, from the outermost on.

    Args:
      code: of a function.
      instruction: the offset of the instruction that was executed last, as in ``frame.f_lasti``.
    """
    table = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]  # of typeshed
    instructions = {found.offset: found for found in dis.get_instructions(code)}
    ends_of_with = {
        offset - 2: found.positions
        for offset, found in instructions.items()
        if found.opname == "WITH_EXCEPT_START"
    }
    lines: list[int] = []
    while True:
        handlers = [entry.target for entry in table if entry.start <= instruction < entry.end]
        if not handlers:
            return lines
        instruction = handlers[0]
        positions = ends_of_with.get(instruction)
        if positions is not None and positions.lineno is not None:
            lines.insert(0, positions.lineno)
