#!/bin/sh
# A FLAC or Ogg Opus file that soundfile closes on a full disk is damaged, and nothing is raised.
#
# soundfile raises an error where a write fails. But what the encoders hold back is written when the
# file is closed, and what fails then is told to nobody: the context manager ends as if all were well.
# The FLAC cannot be opened any more, or tells another length; the Opus file lacks its end. One would
# expect an error, as from the close() of any other file.
#
# A limit of the size of files stands for the full disk here: of the FLAC the last kilobyte is missing,
# which is less than the encoder holds back, and of the Opus file some more.
#
# It is why trio-calls removes the WAV, from which it makes such a file, only when it has read back how
# long that is.
#
# Seen on 2026-11-28 with soundfile 0.14.0, which carries libsndfile 1.2.2, and CPython 3.11.7, on
# Linux:
#
#   FLAC: nothing was raised; the file is damaged
#   OGG: nothing was raised; the file is damaged
#
# Needs Python 3.11 or newer with venv, Linux, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6

cat >"$folder/close.py" <<'PYTHON'
import os
import resource
import signal
import sys

import numpy as np
import soundfile

FRAMES, BLOCK = 480_000, 65_536
samples = np.random.default_rng(1).integers(-3000, 3000, (FRAMES, 2)).astype("int16")


def write(path, kind, subtype):
    with soundfile.SoundFile(path, "w", 24_000, 2, subtype, format=kind) as file:
        for start in range(0, FRAMES, BLOCK):
            file.write(samples[start : start + BLOCK])


def is_whole(path):
    try:
        return len(soundfile.read(path, dtype="int16")[0]) == FRAMES
    except (RuntimeError, ValueError):
        return False


signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
kind, subtype = sys.argv[1:]
write("whole", kind, subtype)
assert is_whole("whole")
missing = 700 if kind == "FLAC" else 2_000
limit = os.path.getsize("whole") - missing
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    write("cut", kind, subtype)
    told = "nothing was raised"
except (OSError, RuntimeError) as error:
    told = f"{type(error).__name__} was raised"
print(f"{kind}: {told}; the file is {'whole' if is_whole('cut') else 'damaged'}")
PYTHON

cat >"$folder/expected" <<'TEXT'
FLAC: nothing was raised; the file is damaged
OGG: nothing was raised; the file is damaged
TEXT

cd "$folder"
venv/bin/python -c '
import platform

import soundfile

print("soundfile", soundfile.__version__, soundfile.__libsndfile_version__, end=" ")
print("CPython", platform.python_version())
'
{ venv/bin/python close.py FLAC PCM_16 && venv/bin/python close.py OGG OPUS; } | tee seen
if ! diff expected seen; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: an encoder that cannot write its end is not heard of."
