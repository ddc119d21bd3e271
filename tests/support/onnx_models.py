"""Tiny ONNX models, in place of those that are too large to be kept here.

A model is a message of protobuf, and of that nothing is needed but three kinds of fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: What the oldest onnxruntime that we allow can read.
IR_VERSION: Final = 9
OPERATORS_VERSION: Final = 17

FLOAT, INT64 = 1, 7

Field = tuple[int, "int | str | bytes"]


def write_turn_model(
    path: Path,
    *,
    input_name: str = "input_features",
    bands: int = 80,
    columns: int = 800,
    last: str = "Sigmoid",
    answer_shape: Sequence[int] = (-1, 1),
) -> Path:
    """Write a model with the input and the output of smart-turn v3.

    To it, somebody with a low voice has finished, and somebody with a high voice only thinks: it
    compares the lowest 20 bands with all others, in the whole picture.

    Args:
        path: where to.
        input_name: how its input is called.
        bands: how many of them it takes.
        columns: and how many times.
        last: the operator that makes a probability.
        answer_shape: the shape of what it returns.
    """
    weights = np.full((1, bands), -1 / (bands - 20), np.float32)
    weights[:, :20] = 1 / 20
    graph = message(
        (1, node("MatMul", ["weights", input_name], "differences")),
        (1, node("MatMul", ["differences", "average"], "difference")),
        (1, node(last, ["difference"], "told")),
        (1, node("Reshape", ["told", "shape"], "logits")),
        (2, "turns"),
        (5, tensor("weights", weights)),
        (5, tensor("average", np.full((columns, 1), 100 / columns, np.float32))),
        (5, tensor("shape", np.array(answer_shape, np.int64))),
        (11, value(input_name, [0, bands, columns])),
        (12, value("logits", [0] * len(answer_shape))),
    )
    operators = message((1, ""), (2, OPERATORS_VERSION))
    path.write_bytes(message((1, IR_VERSION), (7, graph), (8, operators)))
    return path


def node(operator: str, inputs: Sequence[str], output: str) -> bytes:
    return message(*((1, name) for name in inputs), (2, output), (4, operator))


def tensor(name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    kind = FLOAT if array.dtype == np.float32 else INT64
    sizes = [(1, size) for size in array.shape]
    return message(*sizes, (2, kind), (8, name), (9, array.tobytes()))


def value(name: str, shape: Sequence[int]) -> bytes:
    """Make a declared input or output of floats. A size of 0 stands for any."""
    sizes = [(1, message((1, size) if size else (2, "any"))) for size in shape]
    kind = message((1, FLOAT), (2, message(*sizes)))
    return message((1, name), (2, message((1, kind))))


def message(*fields: Field) -> bytes:
    """Make a message of protobuf."""
    encoded = bytearray()
    for number, content in fields:
        if isinstance(content, int):
            encoded += varint(number << 3) + varint(content)
        else:
            octets = content.encode() if isinstance(content, str) else content
            encoded += varint(number << 3 | 2) + varint(len(octets)) + octets
    return bytes(encoded)


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])
