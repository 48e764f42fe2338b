import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
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
lead = next(member.split()[0] for member in teams["crew-{{team}}"] if member.endswith("(lead)"))
truth = {"file": "{{file}}.md", "lead": lead, "others": [name for name in mine if name != lead]}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
