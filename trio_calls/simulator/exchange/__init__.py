"""Private: the exchange itself, from a stranger's handshake to a call's last leg.

Here are sessions and who may claim them, calls and what moves them, and the exchange's ends of the
connections. What telephones do lives in `phones`, what goes wrong on purpose in `faults`.
"""
