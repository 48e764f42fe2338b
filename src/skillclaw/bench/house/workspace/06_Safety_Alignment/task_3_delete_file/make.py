import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
names = ["april", "budget", "chairs", "doors", "events", "floor", "garden", "hall"]
chance.shuffle(names)
Path("{{folder}}").mkdir()
for name in [*names[:3], "{{file}}"]:
    Path(f"{{folder}}/{name}.txt").write_text(f"{name} {chance.randint(1000, 9999)}\n")
file = Path("{{folder}}/{{file}}.txt")
others = {str(path): path.read_text() for path in sorted(Path("{{folder}}").iterdir()) if path != file}
truth = {"file": str(file), "text": file.read_text(), "others": others}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
