import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))

said = [
    f"{who}: {what} {chance.randint(2, 9)}"
    for who, what in zip(
        chance.sample(["Kaya", "Olsen", "Ruiz", "Ivers"], 4),
        chance.sample(["see you at", "boxes left:", "back in room", "parked at gate"], 4),
        strict=True,
    )
]
channels = {f"hs-{name}": list(said) for name in ["garden", "kitchen", "drivers", "nights"]}
Path("/var/lib/house/chat.json").write_text(json.dumps({"channels": channels}))
Path("/opt/gt/truth.json").write_text(json.dumps({"said": said}))
