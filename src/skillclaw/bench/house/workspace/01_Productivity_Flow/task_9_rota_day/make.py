import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
days = {
    day: [
        {
            "from": chance.randint(7, 20),
            "minute": chance.choice(["00", "15", "30"]),
            "who": who,
            "where": chance.choice(["desk", "yard", "gate"]),
        }
        for who in chance.sample(["Brandt", "Ito", "Okafor", "Lindqvist", "Moreau", "Silva"], 4)
    ]
    for day in ["2026-03-02", "2026-03-11", "2026-03-19", "2026-03-24", "2026-03-30"]
}
Path("/var/lib/house/rota.json").write_text(json.dumps({"days": days}))
shifts = [
    {"who": shift["who"], "utc": f"{shift['from'] - 3:02d}:{shift['minute']}"} for shift in days["{{day}}"]
]
Path("/opt/gt/truth.json").write_text(json.dumps({"shifts": shifts}))
