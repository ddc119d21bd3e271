"""Private: telephones in browser tabs, served beside a simulator.

::

    tab ◄─ WebSocket ─► Tab ◄──► Switchboard, a PhoneCall each ◄──► the simulator's telephones
                         ▲           └─ Chats ◄──► its partners, who write
    page ◄──── HTTP ──── the app (Starlette) on Hypercorn's worker for Trio

`open_phone_page` serves it. ``static/`` is the page, and ``PROTOCOL.md`` what the two say to each
other. It needs the extra ``trio-calls[phone]``.
"""
