"""A hub in a bucket (BARE_S3_URL, without a key) by a profile of AWS's own tools, which the home has."""

import os

from skillclaw.hub.store import Store

store = Store(os.environ["BARE_S3_URL"] + "&profile=team")
assert store.create("objects/two", b"2") and store.get("objects/two", 9) == b"2"
