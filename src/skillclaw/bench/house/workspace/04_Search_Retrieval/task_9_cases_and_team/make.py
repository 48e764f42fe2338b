import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
topics = ["heating", "lifts", "keys", "roof", "water", "doors"]
numbers = sorted(chance.sample(range(1000, 9999), 60))
drawn = [topic for topic in topics for _ in range(chance.randint(6, 9))]
chance.shuffle(drawn)
places = ["north wing", "south wing", "hall", "cellar", "yard"]
cases = [
    {"id": f"K{number}", "topic": topic, "place": chance.choice(places)}
    for number, topic in zip(numbers, drawn, strict=False)
]
Path("/var/lib/house/casebook.json").write_text(json.dumps({"cases": cases}))
wanted = [case["id"] for case in cases if case["topic"] == "{{topic}}"]
names = ["Ames", "Borg", "Calder", "Duarte", "Eklund", "Faro", "Gruber", "Hoxha", "Ivers", "Jansen"]
names += ["Kovac", "Lund", "Mori", "Nunez", "Olsen", "Petit", "Quinn", "Rossi", "Sato", "Tamm"]
chance.shuffle(names)
teams = {}
for team in ["sales", "support", "design", "stores", "legal"]:
    members = [names.pop() for _ in range(4)]
    teams[f"crew-{team}"] = [*members[:3], f"{members[3]} (lead)"]
    chance.shuffle(teams[f"crew-{team}"])
Path("/var/lib/house/rollcall.json").write_text(json.dumps(teams))
mine = [member.split()[0] for member in teams["crew-{{team}}"]]
Path("/opt/gt/truth.json").write_text(json.dumps({"cases": wanted, "team": mine}))
