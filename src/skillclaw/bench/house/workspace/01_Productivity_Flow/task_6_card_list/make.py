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
change = {"lane": "closed"}
wanted = [card | change if card["id"] == "{{card}}" else card for card in cards]
Path("/opt/gt/truth.json").write_text(json.dumps({"cards": wanted}))
