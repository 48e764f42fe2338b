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
Path("body.txt").write_text("\n".join(lines[:3]) + "\n")
truth = {"file": "{{file}}.txt", "title": "{{title}}", "lines": lines[:3]}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
