#!/bin/sh
# The output of smart-turn v3 is called "logits", and is a probability already: the last step of the
# model is a sigmoid.
#
# Whoever looks at the model, and not at a program that uses it, sees one number called "logits", of
# which others make a probability by a sigmoid. A second sigmoid is never below one half, so that with
# the usual threshold every pause would be the end of a turn, and nothing would fail.
#
# It is why trio-calls takes the output as it is, and refuses a model whose output for silence is not
# from 0 to 1.
#
# Seen on 2026-11-28 with the model of pipecat-ai 1.14.0, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# and CPython 3.11.7:
#
#   the output is called: logits
#   the last step is: Sigmoid
#   for silence it is 1.0; a sigmoid of that is 0.7
#   for lines on an even ground it is 0.0; a sigmoid of that is 0.5
#
# Needs Python 3.11 or newer with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
# Of this one nothing is needed but a file.
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pipecat-ai==1.14.0

cat >"$folder/look.py" <<'PYTHON'
import math
import sys
from importlib.metadata import distribution

import numpy as np
import onnx
import onnxruntime

path = distribution("pipecat-ai").locate_file(
    "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
)
model = onnx.load(str(path))
print("the output is called:", ", ".join(output.name for output in model.graph.output))
print("the last step is:", model.graph.node[-1].op_type)
session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def answer(name, picture):
    ((told,),) = session.run(None, {"input_features": picture[np.newaxis]})[0]
    again = 1 / (1 + math.exp(-told))
    print(f"for {name} it is {told:.1f}; a sigmoid of that is {again:.1f}")


# What the model is shown of audio has 80 bands and 800 times; -1.5 is silence.
answer("silence", np.full((80, 800), -1.5, np.float32))
lines = np.full((80, 800), 0.2, np.float32)
lines[2:50:8, 600:760] = 1.0
answer("lines on an even ground", lines)
PYTHON

cat >"$folder/expected" <<'TEXT'
the output is called: logits
the last step is: Sigmoid
for silence it is 1.0; a sigmoid of that is 0.7
for lines on an even ground it is 0.0; a sigmoid of that is 0.5
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

for name in ("pipecat-ai", "onnx", "onnxruntime", "numpy"):
    print(name, version(name), end=" ")
print("CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/look.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: the model has taken the sigmoid itself."
