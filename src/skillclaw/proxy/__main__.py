"""`python -m skillclaw.proxy CONFIG`: the proxy's process."""

from __future__ import annotations

import sys

from skillclaw.proxy.serve import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
