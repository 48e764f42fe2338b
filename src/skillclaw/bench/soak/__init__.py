"""`skillclaw bench soak`: does the proxy stay as it is under long mixed load with faults?

Clients, upstream and the reader of the journal run in this process, the proxy in one of its own. Every answer
is compared byte for byte with what its number says it must be, so is every request at the upstream, and every
exchange must be found in the journal once, with its bytes.
"""

from __future__ import annotations

from skillclaw.bench.soak.run import run_soak
from skillclaw.bench.soak.verdict import summary

__all__ = ["run_soak", "summary"]
