import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
names = ["kelp", "house", "brand", "paper", "ink", "sand"]
codes = chance.sample(range(0x100000, 0xFFFFFF), len(names))
tints = {name: f"#{code:06x}" for name, code in zip(names, codes, strict=True)}
Path("/var/lib/house/tint.json").write_text(json.dumps(tints))
size = chance.randint(100, 900)
text = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}">\n'
    '  <rect x="0" width="9" height="9" fill="{{word}}" stroke="{{word}}"/>\n'
    '  <circle r="4" fill="{{word}}"/>\n'
    "</svg>\n"
)
Path("{{file}}.svg").write_text(text)
truth = {"file": "{{file}}.svg", "word": "{{word}}", "kelp": tints["kelp"], "text": text}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
