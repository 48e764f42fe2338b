"""Whether a session may go to a group's hub, and its going there (docs/sharing.md). `view` gathers what the
decision is made from; `sending` alone lets anything leave.
"""
