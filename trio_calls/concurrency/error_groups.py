"""Errors out of the groups that nurseries raise."""

from __future__ import annotations

from typing import TypeVar

ErrorT = TypeVar("ErrorT", bound=BaseException)


def first_error(group: BaseExceptionGroup[ErrorT]) -> ErrorT:
    """Return the first error in a group, however deep its groups are."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error
