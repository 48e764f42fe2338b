import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
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
Path("/opt/gt/truth.json").write_text(json.dumps({"items": len(rooms["{{room}}"])}))
