import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
for number in (1, 2, 3, 4):
    size = chance.randint(100, 900)
    text = f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}"></svg>\n'
    Path(f"{{kind}}{number}.svg").write_text(text)
truth = {"file": "{{kind}}{{number}}.svg", "text": Path("{{kind}}{{number}}.svg").read_text()}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
