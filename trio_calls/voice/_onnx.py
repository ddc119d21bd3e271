"""Models that onnxruntime runs. Needs the extra ``trio-calls[silero]``."""

from __future__ import annotations

from typing import Any


def open_session(model: bytes, needed_by: str) -> Any:
    """Load a model. It is run by the thread that asks, and by no other.

    Args:
        model: what an ONNX file holds.
        needed_by: what needs it, for an error.

    Raises:
        ModuleNotFoundError: onnxruntime is not installed.
        Exception: it is no model, or one that onnxruntime does not know how to run.
    """
    try:
        import onnxruntime  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{needed_by} needs onnxruntime, which is not installed: "
            "install the extra 'silero' of trio-calls"
        ) from None
    options = onnxruntime.SessionOptions()
    # More threads make these models no faster, and spinning ones use up a core each.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
