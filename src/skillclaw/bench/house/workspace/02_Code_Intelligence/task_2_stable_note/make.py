import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
part = "{{part}}"

numbers = chance.sample(range(10, 99), 4)
versions = {
    branch: f"{chance.randint(1, 9)}.{number}.{chance.randint(0, 9)}"
    for branch, number in zip(["dev", "main", "stable", "trunk"], numbers, strict=True)
}
branches = {branch: {f"{part}/VERSION": version} for branch, version in versions.items()}
Path("/var/lib/house/bough.json").write_text(json.dumps({"branches": branches}))
Path("/opt/gt/truth.json").write_text(json.dumps({"versions": versions}))
