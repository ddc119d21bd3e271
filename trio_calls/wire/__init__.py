"""Private: what travels between an SDK and the exchange. Pure: no Trio, no sockets.

`control` and `media` hold the messages, `codec` turns them into JSON and back, `call_protocol` is
what both ends of a media connection agree on, and `outgoing_audio` is the audio that waits for the
exchange to ask for it.
"""
