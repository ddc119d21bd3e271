"""Private: one process's connection to the exchange, and the calls that come through it.

Here are the client, the control connection with its requests and reconnects, and what becomes of an
offer until it is a call. What happens within a call lives in `trio_calls.call`.
"""
