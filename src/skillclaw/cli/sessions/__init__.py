"""Commands of sessions: taken in, looked at, what they say already, given out, forgotten."""
