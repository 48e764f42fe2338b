import argparse
import json
import re
from pathlib import Path

options = argparse.ArgumentParser()
options.add_argument("--dir")
options.add_argument("--ext")
options.add_argument("--min-count", type=int, default=1)
given = options.parse_args()
names = [path.name for path in Path(given.dir).iterdir()]
right = [name for name in names if re.fullmatch(rf"\d{{8}}_[a-z0-9_]+\.{given.ext}", name)]
print(json.dumps(sorted(right)))
raise SystemExit(len(right) < given.min_count)
