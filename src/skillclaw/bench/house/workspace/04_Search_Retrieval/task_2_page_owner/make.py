import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
names = ["Ames", "Borg", "Calder", "Duarte", "Eklund", "Faro", "Gruber", "Hoxha", "Ivers", "Jansen"]
topics = ["travel", "parking", "badges", "holidays", "printing", "meals"]
numbers = chance.sample(range(100, 999), 1 * 2 * len(topics))
parts = chance.sample(["rules", "forms", "contacts", "costs", "questions"], 1)
pages = {"last": [], "live": []}
for topic in topics:
    for part in parts:
        for index, owner in zip(pages, chance.sample(names, 2), strict=True):
            title = f"{topic.capitalize()}: {part}"
            pages[index].append({"id": f"H{numbers.pop()}", "title": title, "owner": owner})
Path("/var/lib/house/seek.json").write_text(json.dumps(pages))
mine = {index: [page for page in pages[index] if "{{topic}}" in page["title"].lower()] for index in pages}
truth = {"file": "{{file}}.md", **{index: mine[index][0]["owner"] for index in mine}}
Path("/opt/gt/truth.json").write_text(json.dumps(truth))
