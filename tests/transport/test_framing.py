"""Frames without the compiled part of websockets, which is not always there."""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.pure


@pytest.fixture(scope="module")
def by_hand() -> ModuleType:
    """The module as it is where there is no websockets."""
    spec = find_spec("trio_calls.transport._framing")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "websockets.speedups", None)
        spec.loader.exec_module(module)
    return module


@given(data=st.binary(max_size=1000), mask=st.binary(min_size=4, max_size=4))
def test_a_mask_is_applied_byte_by_byte(by_hand: ModuleType, data: bytes, mask: bytes) -> None:
    masked = by_hand.apply_mask(data, mask)
    assert masked == bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
    assert by_hand.apply_mask(masked, mask) == data
