import argparse
from pathlib import Path

options = argparse.ArgumentParser()
options.add_argument("log")
options.add_argument("--min-entries", type=int, default=1)
given = options.parse_args()
log = Path(given.log)
if not log.is_file() or len(log.read_text("utf-8").splitlines()) < given.min_entries:
    raise SystemExit(f"too few lines in {log}")
