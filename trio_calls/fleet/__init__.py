"""Many machines: which worker has which call, and what is asked of workers from elsewhere.

It stands on Redis, and beside the calls: nothing here is in the path of audio, and when Redis is
gone the calls go on. Needs the extra ``trio-calls[fleet]``.
"""

from trio_calls._public_names import claim_names

__all__: list[str] = []

claim_names(__name__, globals(), __all__)
