import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
part = "{{part}}"

for name in ["parser", "engine", "viewer", "scanner"]:
    port, retries, workers = chance.randint(2000, 2999), chance.randint(20, 29), chance.randint(20, 29)
    text = f"port={port}\nretries={retries}\nworkers={workers}\n"
    for folder in ("base", "conf"):
        Path(folder).mkdir(exist_ok=True)
        Path(folder, f"{name}.ini").write_text(text)
Path("/opt/gt/truth.json").write_text(
    json.dumps({"old": Path("conf", f"{part}.ini").read_text().splitlines()})
)
