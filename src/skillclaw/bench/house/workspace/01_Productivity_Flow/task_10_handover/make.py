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
things = ["bolts", "lamps", "ropes", "chairs", "boxes", "tape", "valves", "fans", "cables", "pumps", "hoses"]
rooms = {
    room: [
        {
            "code": f"S{chance.randint(100, 999)}{number:02d}",
            "item": chance.choice(things),
            "count": chance.randint(1, 90),
        }
        for number in range(chance.randint(9, 14))
    ]
    for room in ["cellar", "attic", "annex", "garage"]
}
Path("/var/lib/house/stock.json").write_text(json.dumps({"rooms": rooms}))
shifts = [
    {"who": shift["who"], "utc": f"{shift['from'] - 3:02d}:{shift['minute']}"} for shift in days["{{day}}"]
]
Path("/opt/gt/truth.json").write_text(json.dumps({"shifts": shifts, "rows": rooms["{{room}}"]}))
