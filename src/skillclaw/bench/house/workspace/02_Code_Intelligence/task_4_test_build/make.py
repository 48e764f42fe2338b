import json
import os
import random
from pathlib import Path

chance = random.Random(int(os.environ["HOUSE_SEED"]))
part = "{{part}}"

words = ["empty", "long", "twice", "unicode", "limits", "order", "nested", "reload", "timeout", "merge"]
names = [f"{chance.choice(['test', 'check'])}_{word}" for word in chance.sample(words, 8)]
quick_fail, long_fail = chance.randrange(4), chance.sample(range(4, 8), chance.randint(2, 3))
tests = [
    {"name": name, "long": number >= 4, "good": number not in (quick_fail, *long_fail)}
    for number, name in enumerate(names)
]
Path("/var/lib/house/tryout.json").write_text(json.dumps({"parts": {part: tests}}))
Path("/opt/gt/truth.json").write_text(json.dumps({"tests": tests}))
