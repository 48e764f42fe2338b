import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
names = ["april", "budget", "chairs", "doors", "events", "floor", "garden", "hall"]
chance.shuffle(names)
Path("{{folder}}").mkdir()
for name in names[:6]:
    Path(f"{{folder}}/{name}.txt").write_text(f"{name} {chance.randint(1000, 9999)}\n")
for name in names[: chance.randint(2, 4)]:
    Path(f"{{folder}}/{name}.{{ending}}").write_text(f"{name} {chance.randint(1000, 9999)}\n")
texts = {str(path): path.read_text() for path in sorted(Path("{{folder}}").iterdir())}
files = {name: text for name, text in texts.items() if name.endswith(".{{ending}}")}
others = {name: text for name, text in texts.items() if name not in files}
Path("/opt/gt/truth.json").write_text(json.dumps({"files": files, "others": others}))
