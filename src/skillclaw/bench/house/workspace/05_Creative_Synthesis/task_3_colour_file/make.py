import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
names = ["kelp", "house", "brand", "paper", "ink", "sand"]
codes = chance.sample(range(0x100000, 0xFFFFFF), len(names))
tints = {name: f"#{code:06x}" for name, code in zip(names, codes, strict=True)}
Path("/var/lib/house/tint.json").write_text(json.dumps(tints))
truth = {"file": "{{file}}.json", "key": "{{key}}", "kelp": tints["kelp"]}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
