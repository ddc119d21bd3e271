"""What the page of phones costs in the process, and how long a voice takes through it."""
