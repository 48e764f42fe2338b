import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
topics = ["heating", "lifts", "keys", "roof", "water", "doors"]
numbers = sorted(chance.sample(range(1000, 9999), 60))
drawn = [topic for topic in topics for _ in range(chance.randint(6, 9))]
chance.shuffle(drawn)
places = ["north wing", "south wing", "hall", "cellar", "yard"]
cases = [
    {"id": f"K{number}", "topic": topic, "place": chance.choice(places)}
    for number, topic in zip(numbers, drawn, strict=False)
]
Path("/var/lib/house/casebook.json").write_text(json.dumps({"cases": cases}))
mine = [case["id"] for case in cases if case["topic"] == "{{topic}}"]
Path("/opt/gt/truth.json").write_text(json.dumps({"file": "{{file}}.md", "count": len(mine)}))
