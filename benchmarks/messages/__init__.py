"""What conversations in writing cost: `python -m benchmarks.messages.run`."""
