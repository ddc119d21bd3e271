"""Private: tools for Trio that know nothing of calls.

Here are a way to sleep until somebody wakes everybody, SIGTERM as something to wait for, and a
watchdog of the event loop. Nothing that knows a call, a frame or an exchange lives here.
"""
