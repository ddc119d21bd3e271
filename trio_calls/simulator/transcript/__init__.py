"""Private: what travelled on the wire, noted as it passes and written down for people.

It is told of frames and of nothing else. What they bring about lives in `exchange`.
"""
