"""Private: what travels between an SDK and the exchange. Pure: no Trio, no sockets.

What generations of the wire share is in here: `codec` turns messages into JSON and back,
`call_protocol` is what both ends of a media connection agree on, and `outgoing_audio` is the audio
that waits for the exchange to take it. Each generation has a room of its own for the rest, behind
`control_wire` and `media_wire`; `generations` makes either.
"""
