"""The memory of this process."""

import ctypes
import gc
from contextlib import suppress

import psutil


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def bytes_in_use() -> int:
    """Measure without what the allocator keeps of freed memory for the next use, where it can."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc has it
    return resident_bytes()
