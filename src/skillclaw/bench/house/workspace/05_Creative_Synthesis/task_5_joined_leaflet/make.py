import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
lines = [
    "The doors open at noon.",
    "Bring a lamp and good shoes.",
    "There is soup for all.",
    "Music begins after dark.",
    "Children come in free.",
    "Please leave dogs at home.",
    "The last boat goes at ten.",
    "Tickets are at the desk.",
]
chance.shuffle(lines)
parts = {"{{first}}": lines[:2], "{{second}}": lines[2:4], "spare": lines[4:6]}
Path("parts").mkdir()
for name, text in parts.items():
    Path(f"parts/{name}.txt").write_text("\n".join(text) + "\n")
truth = {"file": "{{file}}.md", "lines": lines[:4], "spare": lines[4:6]}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
