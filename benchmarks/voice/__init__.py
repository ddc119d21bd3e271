"""Voice: what it costs to hear who talks, and to stop for it, beside pipecat. Imports nothing."""
