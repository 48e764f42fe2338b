#!/usr/bin/env python3
"""Compare flat JSON translation files with a base file: missing keys, extra keys, lost placeholders."""

import json
import re
import sys
from pathlib import Path

PLACEHOLDER = re.compile(r"\{(\w+)")


def main(base_path: str, others: list[str]) -> int:
    base = json.loads(Path(base_path).read_text(encoding="utf-8"))
    bad = 0
    for other in others:
        data = json.loads(Path(other).read_text(encoding="utf-8"))
        for key in sorted(base.keys() - data.keys()):
            print(f"{other}: missing {key}")
            bad += 1
        for key in sorted(data.keys() - base.keys()):
            print(f"{other}: not in base {key}")
            bad += 1
        for key in base.keys() & data.keys():
            if set(PLACEHOLDER.findall(base[key])) - set(PLACEHOLDER.findall(data[key])):
                print(f"{other}: placeholder lost in {key}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: check_keys.py BASE.json OTHER.json...")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
