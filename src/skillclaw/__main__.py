"""`python -m skillclaw`."""

from skillclaw.cli import main

main()
