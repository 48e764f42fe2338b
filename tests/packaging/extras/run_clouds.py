"""A hub in a bucket (S3_URL): made, written and read."""

import os

from skillclaw.hub.store import Store

store = Store(os.environ["S3_URL"])
store.probe()
assert store.create("objects/one", b"1") and not store.create("objects/one", b"2")
assert (store.get("objects/one", 9), store.list("objects/")) == (b"1", ["objects/one"])
