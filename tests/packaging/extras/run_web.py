"""The dashboard shows its pages to who comes by its link."""

import json
import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

words = [str(Path(sys.executable).with_name("skillclaw")), "dashboard", "--json", "--port", "0"]
with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
    try:
        assert process.stdout is not None
        told = b""
        while b"}" not in told:
            told += process.stdout.readline() or b"}"
        address, _, token = json.loads(told)["url"].partition("#")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        form = urlencode({"token": token}).encode()
        origin = {"Origin": address[: address.index("/", 8)]}
        with opener.open(urllib.request.Request(address, form, origin), timeout=30) as answer:
            page = answer.read().decode()
    finally:
        process.terminate()
assert "SkillClaw" in page and "<nav" in page and token not in page, page[:500]
assert process.returncode == 0
