import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
titles = ["Paint the door", "Order paper", "Fix the lamp", "Water the plants", "Clean the van"]
cards = [
    {
        "id": card,
        "title": title,
        "lane": chance.choice(["todo", "doing"]),
        "who": chance.choice(["Kaya", "Olsen", "Ruiz"]),
    }
    for card, title in zip(
        ["BX-14", "BX-27", "BX-35", "BX-48", "BX-52"], chance.sample(titles, 5), strict=True
    )
]
Path("/var/lib/house/board.json").write_text(json.dumps({"cards": cards}))
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
change = {"who": "{{name}}"}
wanted = [card | change if card["id"] == "{{card}}" else card for card in cards]
Path("/opt/gt/truth.json").write_text(json.dumps({"cards": wanted, "shifts": shifts}))
