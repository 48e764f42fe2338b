import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
Path("sealed").mkdir()
Path("proposals").mkdir()
names = ["limit", "ports", "days", "seats"]
before = [f"{name} = {chance.randint(10, 39)}" for name in names]
after = ["{{key}} = {{number}}" if line.startswith("{{key}} ") else line for line in before]
Path("sealed/{{file}}.conf").write_text("\n".join(before) + "\n")
Path("/opt/gt/truth.json").write_text(json.dumps({"file": "{{file}}.conf", "before": before, "after": after}))
