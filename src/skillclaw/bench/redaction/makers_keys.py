"""Makers of secrets that have an inner form: signed tokens, key files, seed phrases.

The bodies are random bytes behind the true first bytes of each format, so they look right and open nothing.
"""

from __future__ import annotations

import base64
import json
from random import Random
from textwrap import wrap

from skillclaw.bench.redaction.cases import Maker
from skillclaw.bench.redaction.makers_text import ALPHABETS, length, password, some

__all__ = ["MAKERS"]

RULER = "-----"
PEM_HEADS = {
    "RSA": ("RSA PRIVATE KEY", "MIIEpAIBAAKCAQEA", 1588),
    "EC": ("EC PRIVATE KEY", "MHcCAQEEI", 160),
    "PKCS8": ("PRIVATE KEY", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ", 1620),
    "ED25519": ("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEI", 64),
    "DSA": ("DSA PRIVATE KEY", "MIIDVQIBAAKCAQEA", 1136),
    "ENCRYPTED": ("ENCRYPTED PRIVATE KEY", "MIIFHDBOBgkqhkiG9w0BBQ0wQTApBgkqhkiG9w0BBQwwHAQI", 1736),
    "OPENSSH": ("OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB", 380),
}
# The beginning of the English list of BIP-39, every eighth word or so.
SEED_WORDS = (
    *("abandon", "absorb", "account", "across", "adapt", "advice", "afford", "album", "almost", "amateur"),
    *("anchor", "animal", "antique", "arctic", "armor", "artist", "athlete", "autumn", "avocado", "bachelor"),
    *("balcony", "banana", "barely", "basket", "beach", "behave", "bench", "bicycle", "blanket", "blossom"),
    *("bonus", "bracket", "breeze", "bronze", "bubble", "burden", "cabbage", "cactus", "camera", "canyon"),
    *("carbon", "castle", "ceiling", "cherry", "cinnamon", "clever", "cluster", "coconut", "coral", "cradle"),
    *(
        "cricket",
        "crystal",
        "curtain",
        "daring",
        "decade",
        "denial",
        "desert",
        "dignity",
        "dolphin",
        "donkey",
    ),
    *("eagle", "elbow", "elegant", "ember", "enhance", "erosion", "exotic", "fabric", "feather", "fiscal"),
    *("galaxy", "garlic", "glimpse", "gravity", "hamster", "harvest", "horizon", "icon", "ivory", "jaguar"),
    *("kitten", "ladder", "lemon", "lunar", "magnet", "mimic", "napkin", "oyster", "penguin", "quantum"),
    *("rhythm", "saddle", "tobacco", "umbrella", "velvet", "walnut", "yellow", "zebra"),
)


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json64(record: dict[str, object]) -> str:
    return _b64url(json.dumps(record, separators=(",", ":")).encode())


def jwt(rng: Random, argument: str) -> str:
    """A signed token (RFC 7519); the argument is the algorithm, HS256 if none."""
    head = {"alg": argument or "HS256", "typ": "JWT"}
    if head["alg"] != "HS256":
        head["kid"] = some(rng, ALPHABETS["hex"], 16)
    issued = rng.randint(1_700_000_000, 1_770_000_000)
    claims: dict[str, object] = {
        "sub": str(rng.randint(1000, 9_999_999)),
        "iat": issued,
        "exp": issued + 3600,
    }
    claims |= rng.choice(
        ({}, {"scope": "read write"}, {"role": "service_role"}, {"aud": "api", "tid": "acme"})
    )
    signature = rng.randbytes(32 if head["alg"] == "HS256" else 256)
    return f"{_json64(dict(head))}.{_json64(claims)}.{_b64url(signature)}"


def kubernetes_token(rng: Random, argument: str) -> str:
    """A service account's token: a JWT signed with RS256 whose claims name the account."""
    account = f"system:serviceaccount:{argument or 'default'}:deployer"
    claims: dict[str, object] = {
        "iss": "kubernetes/serviceaccount",
        "sub": account,
        "jti": rng.randint(1, 10**9),
    }
    head: dict[str, object] = {"alg": "RS256", "kid": _b64url(rng.randbytes(32))}
    return f"{_json64(head)}.{_json64(claims)}.{_b64url(rng.randbytes(256))}"


def json_token(rng: Random, argument: str) -> str:
    """Base64url of a small JSON object, as vendors put behind a prefix; the argument is the first key."""
    return _json64(
        {argument or "v": some(rng, ALPHABETS["b62"], 24), "n": rng.randint(1, 10**6), "k": rng.random()}
    )


def armour(title: str, body: str, width: int = 64) -> str:
    """A body in lines between its BEGIN and END rulers (RFC 7468)."""
    return "\n".join([f"{RULER}BEGIN {title}{RULER}", *wrap(body, width), f"{RULER}END {title}{RULER}"])


def pem(rng: Random, argument: str) -> str:
    """A private key file; the argument is one of `PEM_HEADS`."""
    title, head, size = PEM_HEADS[argument]
    return armour(
        title,
        head + some(rng, ALPHABETS["b64"], size - len(head) - 1) + "=",
        70 if argument == "OPENSSH" else 64,
    )


def pgp(rng: Random, _: str) -> str:
    """An ASCII-armoured OpenPGP secret key (RFC 9580)."""
    body = "lQOYBG" + some(rng, ALPHABETS["b64"], rng.randint(800, 1200))
    text = armour("PGP PRIVATE KEY BLOCK", body)
    return text.replace("BLOCK" + RULER + "\n", "BLOCK" + RULER + "\n\n", 1)


def putty(rng: Random, _: str) -> str:
    """The private part of a PuTTY key (PPK version 3); the public part is left out."""
    body = wrap(some(rng, ALPHABETS["b64"], 64 * 2), 64)
    head = ["PuTTY-User-Key-File-3: ssh-ed25519", "Encryption: none", "Comment: imported-key"]
    return "\n".join([*head, f"Private-Lines: {len(body)}", *body])


def basic(rng: Random, argument: str) -> str:
    """Base64 of `user:password` (RFC 7617); the argument is the user."""
    return base64.b64encode(f"{argument or 'deploy'}:{password(rng)}".encode()).decode()


def base64_of(rng: Random, argument: str) -> str:
    """Standard base64, padded, of so many random bytes."""
    return base64.b64encode(rng.randbytes(length(rng, argument, 32))).decode()


def base64url_of(rng: Random, argument: str) -> str:
    """URL-safe base64 of so many random bytes, unpadded."""
    return _b64url(rng.randbytes(length(rng, argument, 32)))


def wireguard(rng: Random, _: str) -> str:
    """A Curve25519 key as `wg genkey` prints it: 32 bytes in base64, 44 characters."""
    return base64.b64encode(rng.randbytes(32)).decode()


def seed_phrase(rng: Random, argument: str) -> str:
    """So many words of the list of BIP-39; the checksum is not kept."""
    return " ".join(rng.sample(SEED_WORDS, length(rng, argument, 12)))


def grouped(rng: Random, argument: str) -> str:
    """Groups of upper-case letters and digits, written `5x4` for five groups of four, joined by hyphens."""
    groups, _, size = argument.partition("x")
    return "-".join(some(rng, ALPHABETS["upper"], int(size)) for _ in range(int(groups)))


def app_password(rng: Random, _: str) -> str:
    """Four groups of four small letters with spaces, as Google shows app passwords."""
    return " ".join(some(rng, ALPHABETS["az"], 4) for _ in range(4))


MAKERS: dict[str, Maker] = {
    "jwt": jwt,
    "k8s": kubernetes_token,
    "json64": json_token,
    "pem": pem,
    "pgp": pgp,
    "putty": putty,
    "basic": basic,
    "bytes64": base64_of,
    "bytes64url": base64url_of,
    "wireguard": wireguard,
    "seed": seed_phrase,
    "grouped": grouped,
    "app_password": app_password,
    "AGE": lambda rng, argument: some(rng, ALPHABETS["bech32"].upper(), length(rng, argument)),
}
