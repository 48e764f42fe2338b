import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
month = "{{month}}"
names = ["Brandt", "Ito", "Okafor", "Lindqvist", "Moreau", "Silva"]
rows = [
    {
        "order": f"A{1000 + number}",
        "date": f"{chance.choice([month, month, '2025-12'])}-{chance.randint(1, 28):02d}",
        "customer": chance.choice(names),
        "amount": chance.randint(10, 900),
    }
    for number in range(12)
]
rows[0]["date"] = f"{month}-03"

Path("/var/lib/house/orders.json").write_text(json.dumps({"rows": rows}))
wanted = [row["amount"] for row in rows if row["date"].startswith(month)]
Path("/opt/gt/truth.json").write_text(json.dumps({"total": sum(wanted)}))
