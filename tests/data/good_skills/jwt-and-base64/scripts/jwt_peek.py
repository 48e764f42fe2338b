#!/usr/bin/env python3
"""Print header and payload of a JWT read from stdin. The signature is not checked."""

import base64
import json
import sys


def part(text: str) -> dict[str, object]:
    padded = text + "=" * (-len(text) % 4)
    value: dict[str, object] = json.loads(base64.urlsafe_b64decode(padded))
    return value


def main() -> int:
    pieces = sys.stdin.read().strip().split(".")
    if len(pieces) != 3:
        print("not a JWT: expected three parts", file=sys.stderr)
        return 1
    print(json.dumps(part(pieces[0]), indent=2))
    print(json.dumps(part(pieces[1]), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
