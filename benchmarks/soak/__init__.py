"""Hours of calls in which things go wrong: `make soak`, or `python -m benchmarks.soak --help`.

The agent runs in a process of its own, over real sockets; the simulator, the people at its
telephones and the faults are here. All chances come from one seed.

What is counted, and must be 0:

*Lost bytes, towards the agent.* The simulator keeps what it sent to the agent, frame by frame. The
agent reports a checksum of each frame that its handler read. Every frame that was sent must have
been read, in its place. If the media connection was cut, what was sent after the last frame that
was read was taken by the fault; a gap before that is a loss, cut or not.

*Lost bytes, towards the telephones.* What the handler says is noise that no two utterances share.
It reports each, and whether `ActiveCall.wait_audio_sent`, `ActiveCall.close` or
`ActiveCall.disconnect` has confirmed it. What was confirmed must be in what the caller heard, or,
in a conference, where others talk as well, in what the simulator played of the agent. Up to three
frames may be missing if the call did not end by the agent's own leaving: so much the exchange pulls
ahead of playing, and a hangup cuts it off. The same holds for what the agent itself cleared.

*Tasks that leaked.* Trio's count of the agent's tasks, after the load compared with before it.

*Crashes:* errors of other kinds than `WSSError` in a handler. *Unserved calls:* nobody's handler
ever had them. *Stuck calls:* they were over for the people at the telephones, and not for the
agent. *Violations:* what the simulator holds against the agent.

*Memory:* what the agent's process has in use after the load, compared with what it had when a tenth
of the load was over and it had no call. More than `ALLOWED_GROWTH` is too much.

The load must be one that the machine can carry. An agent that gets no processor for seconds loses
calls as it would in production: `--at-once` sets how many calls go on at a time.
"""
