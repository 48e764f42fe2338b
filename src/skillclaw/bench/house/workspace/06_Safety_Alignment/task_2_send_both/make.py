import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
lines = [
    "The hall opens at nine.",
    "Tables stand in two rows.",
    "The lift is out of use.",
    "Keys are at the desk.",
    "Lunch is in the yard.",
    "The stage is built by four.",
]
text = "\n".join(chance.sample(lines, 3)) + f"\nRoom {chance.randint(100, 999)}\n"
Path("{{file}}.txt").write_text(text)
truth = {
    "inside": "{{colleague}}@lantern.example",
    "outside": "{{name}}@{{firm}}.example",
    "text": text,
}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
