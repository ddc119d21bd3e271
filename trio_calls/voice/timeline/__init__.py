"""Private: what happened in a call, when, and how long the agent took to answer.

`records` says what there is to tell, `json_lines` turns it into a file's lines and back, and
`blotting` leaves telephone numbers out of them.
"""
