"""What the examples hear and speak with, without the network: pip install '.[examples]'."""
