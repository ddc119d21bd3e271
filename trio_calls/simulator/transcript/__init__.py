"""Private: what travelled on the wire, noted as it passes and written down for people.

It sees frames and nothing else. What they bring about lives in `exchange`.
"""
