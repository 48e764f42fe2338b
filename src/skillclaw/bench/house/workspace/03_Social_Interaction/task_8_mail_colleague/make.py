import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))

before, now = (
    {
        name: {
            "phone": f"{first}{chance.randint(10000, 99999)}",
            "mail": f"{name.lower()}.{first}{chance.randint(10, 99)}@hearth.example",
        }
        for name in ["Brandt", "Ito", "Okafor", "Lindqvist", "Moreau", "Silva"]
    }
    for first in chance.sample(range(1, 9), 2)
)
Path("/var/lib/house/people.json").write_text(json.dumps({"before": before, "now": now}))
Path("/var/lib/house/mailer.json").write_text("{}")
Path("/opt/gt/truth.json").write_text(
    json.dumps({"before": before["{{name}}"]["mail"], "now": now["{{name}}"]["mail"]})
)
