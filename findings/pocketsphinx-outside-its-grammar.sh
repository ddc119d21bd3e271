#!/bin/sh
# What pocketsphinx recognizes with a grammar is not always a sentence of that grammar.
#
# A grammar in JSGF says which sentences there are, and one would expect one of them, or nothing. But
# what is returned at the end of an utterance comes from a second search, for the best path through
# the words that were found, and that search knows nothing of the grammar: it may stop in mid-sentence.
# It is on by default. With bestpath=False, it is a sentence of the grammar, or nothing. Neither the
# documentation of the Decoder nor that of its settings speaks of it.
#
# Who takes the words from their places in the sentence finds others there.
#
# It is why the receptionist of trio-calls has bestpath=False.
#
# Seen on 2026-11-28 with pocketsphinx 5.1.1, hibari-tts 0.2.1, which speaks, and CPython 3.11.7. The
# grammar has "hello it's about the repair" and the like; somebody says "No, thank you."
#
#   bestpath=True: "hello it's about the", which is no sentence
#   bestpath=False: "hello it's about the repair", which is a sentence
#
# Needs Python 3.11 or 3.13 with venv, and the network. Fails when it is no longer so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pocketsphinx==5.1.1 hibari-tts==0.2.1 soxr==1.1.0 numpy==2.4.6

cat >"$folder/recognize.py" <<'PYTHON'
import re

import soxr
from hibari import Hibari
from pocketsphinx import Decoder

GRAMMAR = """#JSGF V1.0;
grammar g;
public <r> = <who> | <what> | <who> <what>;
<who> = [hello | hi] (this is | my name is | i am) (ada | grace | alan);
<what> = [hello | hi] (it is | i am calling | it's) about (a | an | the) (repair | rental | invoice);
"""
WHO = "((hello|hi) )?(this is|my name is|i am) (ada|grace|alan)"
WHAT = "((hello|hi) )?(it is|i am calling|it's) about (a|an|the) (repair|rental|invoice)"

samples = soxr.resample(Hibari()("No, thank you.", seed=1), 24000, 16000)
pcm = (samples * 32767).astype("<i2").tobytes()
for bestpath in (True, False):
    decoder = Decoder(samprate=16000, lm=None, loglevel="FATAL", bestpath=bestpath)
    decoder.add_jsgf_string("g", GRAMMAR)
    decoder.activate_search("g")
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    text = decoder.hyp().hypstr
    is_sentence = re.fullmatch(f"{WHO}|{WHAT}|{WHO} {WHAT}", text) is not None
    print(f'bestpath={bestpath}: "{text}", which is {"a" if is_sentence else "no"} sentence')
PYTHON

cat >"$folder/expected" <<'TEXT'
bestpath=True: "hello it's about the", which is no sentence
bestpath=False: "hello it's about the repair", which is a sentence
TEXT

"$folder/venv/bin/python" -c '
import platform
from importlib.metadata import version

print("pocketsphinx", version("pocketsphinx"), "CPython", platform.python_version())
'
"$folder/venv/bin/python" "$folder/recognize.py" | tee "$folder/seen"
if ! diff "$folder/expected" "$folder/seen"; then
    echo "It is no longer so."
    exit 1
fi
echo "It is still so: only without the best path does the grammar hold."
