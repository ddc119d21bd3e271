"""Private: telephones, and what they hear of each other.

Here are the legs of a call, the people at them, ringing, mixing, and the clock that audio moves to.
Sessions, sockets and SDKs are the exchange's, of which nothing here knows.
"""
