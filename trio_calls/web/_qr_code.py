"""An address for the camera of another device."""

from __future__ import annotations

import io

import segno


def qr_code(text: str) -> str:
    """Draw a text as a QR code, in the characters of a terminal."""
    drawn = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out=drawn, border=2, compact=True)
    return drawn.getvalue()
