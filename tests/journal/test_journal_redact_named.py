"""Keys by the names before them, and entropy, beside detect-secrets."""

from __future__ import annotations

import string

import pytest
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.journal.redact_detect import named_keys
from skillclaw.journal.redact_entropy import entropy

PLUGINS = (
    AWSKeyDetector(),
    CloudantDetector(),
    IbmCloudIamDetector(),
    IbmCosHmacDetector(),
    SoftlayerDetector(),
)
LOWER, HEX = string.ascii_lowercase, "0123456789abcdef"
VALUES = st.one_of(
    st.text(HEX, min_size=48, max_size=48),
    st.text(HEX, min_size=64, max_size=65),
    st.text(LOWER, min_size=24, max_size=25),
    st.text(LOWER + "0123456789", min_size=64, max_size=64),
    st.text(string.ascii_letters + "0123456789_-", min_size=43, max_size=45),
    st.text(string.ascii_letters + "0123456789/+", min_size=40, max_size=40),
    st.text(string.ascii_uppercase + "0123456789", min_size=16, max_size=17).map("AKIA".__add__),
    st.text(string.ascii_uppercase, min_size=16, max_size=16).map("A3TX".__add__),
)
OWNERS = (
    "cloudant",
    "clou",
    "cl",
    "softlayer",
    "sl",
    "ibm",
    "ibm_cloud_iam",
    "cloud-iam",
    "iam",
    "aws",
    "cos",
)
WORDS = (
    "key",
    "pwd",
    "pw",
    "password",
    "pass",
    "token",
    "apikey",
    "secret_access_key",
    "secretkey",
    "hmac",
    "api",
)
MARKS = ("=", ":", ":=", "=>", "::", " ", "_", "-", '"', "'", "[", "]", ".", "x", "\n", "")
URLS = (
    "https://acme:",
    "@acme.cloudant.com",
    "http://api.softlayer.com/soap/v3.1/",
    "https://api.softlayer.com/soap/v3/",
)
PIECES = st.one_of(st.sampled_from((*OWNERS, *(word.upper() for word in OWNERS))), st.sampled_from(WORDS),
                   st.sampled_from(MARKS), st.sampled_from(URLS), VALUES)  # fmt: skip
LIKELY = st.tuples(
    *(st.sampled_from(kinds) for kinds in (MARKS, OWNERS, MARKS, WORDS, MARKS, MARKS, MARKS)), VALUES, PIECES
).map("".join)
LINES = st.one_of(st.lists(PIECES, max_size=12).map("".join), LIKELY)


@given(line=LINES)
def test_its_plugins_find_the_same(line: str) -> None:
    assert named_keys(line) == [str(value) for plugin in PLUGINS for value in plugin.analyze_string(line)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f'CLOUDANT_APIKEY = "{"abcdefgh" * 3}"', "abcdefgh" * 3),
        (f"url: https://acme:{'0a1b' * 16}@acme.cloudant.com/db", "0a1b" * 16),
        (f"  'ibm-cloud-iam-apikey' => '{'Ab_-9xyzQwe' * 4}'", "Ab_-9xyzQwe" * 4),
        (f"ibm_cos_hmac_secret_access_key: {'0a1b2c' * 8}", "0a1b2c" * 8),
        (f"softlayer[api_key]:={'a0' * 32}", None),
        (f"softlayer_api_key::{'a0' * 32}", "a0" * 32),
        (f"GET https://api.softlayer.com/soap/v3.1/{'a0' * 32}/Account", "a0" * 32),
        (f"aws secret token is '{'aB3/+' * 8}'", "aB3/+" * 8),
        ("AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
        (f"xcloudant_key={'abcdefgh' * 3}", None),
    ],
)
def test_names_and_what_stands_behind_them(line: str, value: str | None) -> None:
    assert named_keys(line) == ([value] if value else [])


@given(value=st.text(string.ascii_letters + string.digits + "+/-_=", min_size=1, max_size=128))
def test_entropy_is_what_detect_secrets_says(value: str) -> None:
    assert entropy(value) == pytest.approx(
        Base64HighEntropyString(4.0).calculate_shannon_entropy(value), abs=1e-9
    )
