"""`python -m skillclaw.proxy CONFIG`: the proxy's process."""

from __future__ import annotations

import sys

from skillclaw.compiled import CUT, cut_off, keep_whole

if __name__ == "__main__":
    keep_whole()
    try:
        from skillclaw.proxy.serve import main

        sys.exit(main(sys.argv[1:]))
    except CUT as error:
        if (told := cut_off(error)) is None:
            raise
        sys.stderr.write("{} {}\n".format(*told[:2]))
        sys.exit(1)
