"""Private: the first generation of the wire. Pure, as all of `trio_calls.wire`.

`control`, `messaging` and `media` hold the messages, `session_list` what comes over HTTP,
`hand_over` the document of a call that goes to another process, and `codec` reads all of them.
"""
