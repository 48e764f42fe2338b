import json
from pathlib import Path

Path("/opt/gt/truth.json").write_text(json.dumps({"file": "{{file}}.svg", "title": "{{title}}"}))
