"""Private: tools for Trio that know nothing of calls.

Here are a way to sleep until somebody wakes everybody, SIGTERM as something to wait for, a watchdog
of the event loop, the first error in a group, and a web server. Nothing that knows a call, a frame
or an exchange lives here.
"""
