from pathlib import Path

Path("{{part}}.cfg").write_text("limit=1\n")
