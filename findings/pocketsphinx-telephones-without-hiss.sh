#!/bin/sh
# pocketsphinx loses the first words of speech that comes from a telephone without noise. Hiss, added
# on purpose, brings them back; its own dither does not.
#
# One would expect noise to make recognition worse, and a clean line to be best. But the English model
# in its wheel looks at up to 6.8 kHz. Speech that was sampled at 8 kHz and converted to 16 kHz has
# nothing at all above 4 kHz, and digital silence has nothing anywhere; the logarithm of nothing is what
# the model never saw. Synthesized speech, VoIP and resamplers are that clean. dither=True adds a bit,
# which is far too little. White noise at -47 dBFS is barely heard.
#
# It is why the recognizers of trio-calls' examples add some.
#
# Seen on 2026-11-28 with pocketsphinx 5.1.1, hibari-tts 0.2.1, which speaks, soxr 1.1.0 and CPython
# 3.11.7. 12 sentences of a grammar, with silence before and after, right are:
#
#   as spoken 12, by telephone 2, by telephone with dither 0, by telephone with hiss 12
#
# Needs Python 3.11 or 3.13 with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pocketsphinx==5.1.1 hibari-tts==0.2.1 soxr==1.1.0 numpy==2.4.6

cat >"$folder/recognize.py" <<'PYTHON'
import itertools

import numpy as np
import soxr
from hibari import Hibari
from pocketsphinx import Decoder

GRAMMAR = """#JSGF V1.0;
grammar g;
public <r> = <who> | <what> | <who> <what>;
<who> = [hello | hi] (this is | my name is | i am) (ada | grace | alan);
<what> = [hello | hi] (it is | i am calling | it's) about (a | an | the) (repair | rental | invoice);
"""
SENTENCES = [
    f"{who} {name}, {what}."
    for who, name, what in itertools.product(
        ("This is", "Hello, this is"),
        ("Ada", "Grace"),
        ("I am calling about a repair", "it is about the rental", "it's about an invoice"),
    )
]


def make_decoder(**settings):
    decoder = Decoder(samprate=16000, lm=None, bestpath=False, loglevel="FATAL", **settings)
    decoder.add_jsgf_string("g", GRAMMAR)
    decoder.activate_search("g")
    return decoder


def recognize(decoder, samples, hiss=0):
    samples = np.concatenate([np.zeros(4800), samples, np.zeros(11200)]) * 32767
    samples += np.random.default_rng(1).normal(0, 1, samples.size) * hiss
    decoder.start_utt()
    decoder.process_raw(samples.clip(-32768, 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


voice = Hibari()
plain, dithering = make_decoder(), make_decoder(dither=True, seed=1)
right = dict.fromkeys(
    ("as spoken", "by telephone", "by telephone with dither", "by telephone with hiss"), 0
)
for sentence in SENTENCES:
    spoken = voice(sentence, seed=1)
    telephone = soxr.resample(soxr.resample(spoken, 24000, 8000), 8000, 16000)
    texts = (
        recognize(plain, soxr.resample(spoken, 24000, 16000)),
        recognize(plain, telephone),
        recognize(dithering, telephone),
        recognize(plain, telephone, hiss=150),
    )
    for name, text in zip(right, texts, strict=True):
        right[name] += text == sentence.lower().replace(",", "").replace(".", "")
print(", ".join(f"{name} {count}" for name, count in right.items()))
assert right["as spoken"] == right["by telephone with hiss"] == len(SENTENCES)
assert right["by telephone"] < 0.75 * len(SENTENCES)
assert right["by telephone with dither"] < 0.75 * len(SENTENCES)
PYTHON

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("pocketsphinx", version("pocketsphinx"), "CPython", platform.python_version())
'
if ! "$folder/venv/bin/python" "$folder/recognize.py"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: a telephone is understood with hiss, and badly without."
