"""Private: one call, from its offer to the end of everything that runs for it.

Here are what an application does with a call, the nursery that all of it runs in, its commands, its
audio and its media connection. How a call is offered and claimed lives in `trio_calls.client`.
"""
