from pathlib import Path

Path("/var/lib/house/mailer.json").write_text("{}")
