"""Private: recording a call.

::

    AudioTap ──► Tracks ── a second at a time ──► RecordingWriter ──► a thread ──► a WAV file
    (what passes)  (places it on one clock)        (bounded)                       └► FLAC, Opus
"""
