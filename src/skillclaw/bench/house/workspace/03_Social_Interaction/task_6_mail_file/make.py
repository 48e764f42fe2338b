import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
things = chance.choice(["crates", "doors", "lamps", "tiles"])
text = f"We ask for {chance.randint(20, 90)} {things} by week {chance.randint(10, 50)}."
Path("letter.txt").write_text(text + "\n")
Path("/var/lib/house/mailer.json").write_text("{}")
Path("/opt/gt/truth.json").write_text(json.dumps({"text": text}))
