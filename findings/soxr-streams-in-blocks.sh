#!/bin/sh
# Streams of soxr return nothing for several frames, and then many of them at once. A lower quality
# does not help: only QQ, which does not filter, and vr=True, which filters as HQ does, are steady.
#
# A filter of soxr's LQ is short, so one would expect it to hold back less than HQ, and both to give
# something back for each frame. But both wait until a block is full. What is fed in frames of 20 ms,
# as telephony does it, comes out in lumps of 59 or 104 ms; played at once, that is a gap and a burst.
#
# vr=True is there for rates that change. It has an engine of its own, which has no blocks, and is of
# use for rates that do not change as well: it holds back 30 ms at 8 kHz, always. The documentation of
# ResampleStream speaks of a delay, and of neither blocks nor another engine.
#
# It is why "live", the default quality of trio-calls, is soxr's engine for variable rates.
#
# Seen on 2026-11-28 with soxr 1.1.0, numpy 2.4.6 and CPython 3.11.7, one second from 8 to 16 kHz:
#
#   QQ           nothing for  0 of 50 frames, at most  20 ms at once, up to   0 ms held back
#   LQ           nothing for 34 of 50 frames, at most  59 ms at once, up to  61 ms held back
#   HQ           nothing for 41 of 50 frames, at most 104 ms at once, up to 114 ms held back
#   VHQ          nothing for 40 of 50 frames, at most  95 ms at once, up to 110 ms held back
#   HQ, vr=True  nothing for  1 of 50 frames, at most  20 ms at once, up to  30 ms held back
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check soxr==1.1.0 numpy==2.4.6

cat >"$folder/convert.py" <<'PYTHON'
import numpy as np
import soxr

FROM, TO, FRAMES = 8000, 16000, 50
SIZE = FROM // 50
tone = np.sin(2 * np.pi * 440 / FROM * np.arange(FRAMES * SIZE)).astype(np.float32)


def convert(name, **engine):
    stream = soxr.ResampleStream(FROM, TO, 1, dtype="float32", **engine)
    returned, held_back = [], []
    for start in range(0, tone.size, SIZE):
        returned.append(1000 * stream.resample_chunk(tone[start : start + SIZE]).size / TO)
        held_back.append(1000 * (start + SIZE) / FROM - sum(returned))
    nothing = sum(not milliseconds for milliseconds in returned)
    print(
        f"{name:11}  nothing for {nothing:2} of {FRAMES} frames,",
        f"at most {max(returned):3.0f} ms at once, up to {max(held_back):3.0f} ms held back",
    )


for quality in ("QQ", "LQ", "HQ", "VHQ"):
    convert(quality, quality=quality)
convert("HQ, vr=True", quality="HQ", vr=True)
PYTHON

cat >"$folder/expected" <<'TEXT'
QQ           nothing for  0 of 50 frames, at most  20 ms at once, up to   0 ms held back
LQ           nothing for 34 of 50 frames, at most  59 ms at once, up to  61 ms held back
HQ           nothing for 41 of 50 frames, at most 104 ms at once, up to 114 ms held back
VHQ          nothing for 40 of 50 frames, at most  95 ms at once, up to 110 ms held back
HQ, vr=True  nothing for  1 of 50 frames, at most  20 ms at once, up to  30 ms held back
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("soxr", version("soxr"), "numpy", version("numpy"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/convert.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: LQ and HQ return what they are fed in blocks, and vr=True does not."
