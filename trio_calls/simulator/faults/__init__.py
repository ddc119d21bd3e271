"""Private: what goes wrong between the exchange and its agents, when, and how it gets there.

Faults act on the frames of a connection, so the exchange knows nothing of them. What an SDK does
wrong by itself is a violation, which the exchange notes.
"""
