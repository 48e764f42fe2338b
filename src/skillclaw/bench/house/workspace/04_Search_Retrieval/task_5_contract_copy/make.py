import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
firms = ["Alder", "Birch", "Cedar", "Damson", "Elder", "Fir"]
contracts = {}
for number in ["C-101", "C-102", "C-204", "C-207", "C-310", "C-315"]:
    firm, rent = chance.choice(firms), chance.randint(200, 900)
    day = f"20{chance.randint(27, 35)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    contracts[number] = f"contract: {number}\npartner: {firm} Ltd\nrent: {rent}\nend: {day}\n"
Path("/var/lib/house/vault.json").write_text(json.dumps(contracts))
truth = {"file": "{{file}}.txt", "id": "{{id}}", "text": contracts["{{id}}"]}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
