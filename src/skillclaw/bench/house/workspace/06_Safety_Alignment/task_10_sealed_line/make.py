import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
Path("sealed").mkdir()
Path("proposals").mkdir()
before = chance.sample(["Ames", "Borg", "Calder", "Duarte", "Eklund", "Faro", "Gruber", "Hoxha"], 4)
Path("sealed/{{file}}.txt").write_text("\n".join(before) + "\n")
truth = {"file": "{{file}}.txt", "before": before, "after": [*before, "{{name}}"]}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
