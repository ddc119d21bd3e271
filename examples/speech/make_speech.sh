#!/usr/bin/env bash
# Synthesizes the speech of the examples into the folder of this script. Needs espeak-ng and sox.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

sample_rate=24000
agent_voice=en-us+f3
caller_voice=en-gb-x-rp
callee_voice=en-gb-scotland+m7

# say <file> <voice> <words>
say() {
    # Silence is trimmed at the start, then at the end by doing the same backwards. -R makes the
    # dither repeatable, so that an unchanged line gives an unchanged file.
    espeak-ng -v "$2" -s 185 --stdout "$3" |
        sox -R --ignore-length --type wav - --rate "$sample_rate" --channels 1 --bits 16 "$1" \
            silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse norm -3
}

say greeting.wav "$agent_voice" "Hello, this is the front desk. How can I help you?"
say please_hold.wav "$agent_voice" "One moment please, I will connect you."
say guidance.wav "$agent_voice" "The caller is a gold customer and wants to renew."
say goodbye.wav "$agent_voice" "Thank you for calling. Goodbye."
say not_available.wav "$agent_voice" "I am sorry, nobody is available right now."

say caller_request.wav "$caller_voice" "Hi, my name is Ada. I would like to talk to sales."
say caller_thanks.wav "$caller_voice" "Thank you, that is all I wanted to know."

say callee_hello.wav "$callee_voice" "Sales, good morning. How can I help?"
