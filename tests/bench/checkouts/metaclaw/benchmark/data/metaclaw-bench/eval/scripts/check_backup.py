import sys
from pathlib import Path

path = Path(sys.argv[1])
copy = Path(f"{path}.bak")
if not copy.is_file() or copy.read_bytes() == path.read_bytes():
    raise SystemExit(f"no copy of {path} from before the change")
