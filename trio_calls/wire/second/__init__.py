"""Private: the exchange's second wire, as far as it differs from the first. Pure.

`control` and `media` hold its messages, `session_list` what it says over HTTP, `codec` turns them
into JSON and back. Audio has a header of its own: `audio_frame` is one message, `audio_reader` and
`audio_writer` are the two ends of a track, and `audio_credit` is how much may be sent.
"""
