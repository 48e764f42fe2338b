"""What went wrong with a storage, told to people: why, and what to do. Pure.

obstore's errors are a sentence, then the answer's body (S3, OSS, GCS and Azure all send XML with Code and
Message), then a dump of the library's own structures. Bodies are not shown: they can hold what was signed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["STRANGER", "Told", "broken", "no_bucket", "open_ended", "told"]


class Told(NamedTuple):
    """The cause in a sentence, and what the user can do."""

    why: str
    todo: str


STRANGER = Told(
    "What answers there is no object storage: a network's login page, or another server.",
    "Log in to the network, or check the endpoint in the URL, then try again.",
)
_STRANGE = re.compile(
    r"invalid list response|Invalid(?:List|Put|Delete)\w*Response|Unable to extract metadata from headers"
    r"|MissingEtag|MissingLastModified"
)

_CODE = re.compile(r"<Code>\s*([A-Za-z0-9_.-]{1,80})\s*</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})")
_STATUS = re.compile(r"(?:status code:?|status:|HTTP status[a-z ]*\()\s*(\d{3})")
_CHECK = "Check the URL, the credentials in the environment and the network."

_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|The specified bucket does not exist")
_SKEW = re.compile(r"RequestTimeTooSkewed|RequestExpired|Signature not yet current|AuthenticationTimeout")
_WRONG_KEY = re.compile(
    r"InvalidAccessKeyId|SignatureDoesNotMatch|AuthenticationFailed|InvalidSecurity|NotSignedUp|AuthFailed"
)
_EXPIRED = re.compile(
    r"ExpiredToken|TokenRefreshRequired|InvalidToken|SecurityTokenExpired|InvalidSecurityToken"
)
_REGION = re.compile(
    r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint|InvalidRegion"
    r"|Received redirect without LOCATION|wrong region"
)
_BUSY = re.compile(r"SlowDown|TooManyRequests|ServerBusy|Throttl|RequestLimitExceeded|QpsLimitExceeded")
_NO_CREDENTIALS = re.compile(
    r"169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal|latest/api/token|InstanceCredential"
    r"|MissingCredentials|Missing (?:access|secret|credential)|No credentials|computeMetadata"
    r"|latest/meta-data|WebIdentity|metadata/identity",
    re.IGNORECASE,
)
_TLS = re.compile(
    r"invalid peer certificate|certificate verify|InvalidCertificate|UnknownIssuer|BadCertificate"
    r"|NotValidForName|tls handshake|HandshakeFailure|received corrupt message|InvalidContentType",
    re.IGNORECASE,
)
_TIME = re.compile(r"timed out|TimedOut|deadline has elapsed|operation timed", re.IGNORECASE)
_NAME = re.compile(r"dns error|failed to lookup address|Name or service not known|nodename nor servname")
_CONNECT = re.compile(
    r"tcp connect error|Connection ?refused|ConnectError|NetworkUnreachable|HostUnreachable"
)
_BROKEN = re.compile(
    r"connection closed|ConnectionReset|reset by peer|IncompleteMessage|UnexpectedEof|BrokenPipe"
    r"|error decoding response body|end of file before message|error sending request",
    re.IGNORECASE,
)
_NO_NAME = re.compile(r"Encountered object with invalid path: (?:Error parsing )?Path \"([^\"\n]{1,200})")
_HTTP = re.compile(r"URL scheme is not allowed|scheme is not http")


def told(text: str) -> Told:
    """What an error of obstore means; `text` is all of it, without secrets."""
    code = _first(_CODE, text)
    status = _first(_STATUS, text)
    answer = f"{code or status}: {' '.join(_first(_MESSAGE, text).split())}".strip(": ")
    said = f" ({answer})" if answer else ""
    if name := _first(_NO_NAME, text):
        return Told(
            f"An object is named {name!a}, which no list can hold. Whoever may write there can make one.",
            "Delete it with the storage's own tools.",
        )
    if not code and _STRANGE.search(text):
        return STRANGER
    for pattern, why, todo in _MEANINGS:
        if pattern.search(text):
            return Told(why + said + ".", todo)
    if status in ("401", "403"):
        return Told(
            f"It does not let these credentials do this{said}.",
            "Ask the bucket's owner for the rights: get and list to read a hub, put and delete to write it.",
        )
    if status.startswith("5"):
        return Told(f"The storage has a fault of its own{said}.", "Try again later.")
    if answer:
        return Told(f"The storage said {answer}.", _CHECK)
    first = next((line for line in text.splitlines() if line.strip()), "The cause is not known.")
    return Told(" ".join(first.split())[:300], _CHECK)


def no_bucket(text: str) -> bool:
    """Whether an answer of 404 speaks of the bucket, not of the object."""
    return _NO_BUCKET.search(text) is not None


def broken(text: str) -> bool:
    """Whether the connection broke, or there was none, with no answer."""
    if _STATUS.search(text) or any(p.search(text) for p in (_NO_CREDENTIALS, _TLS, _NAME, _HTTP, _TIME)):
        return False
    return _BROKEN.search(text) is not None or _CONNECT.search(text) is not None


def open_ended(text: str) -> bool:
    """Whether a write that failed so may have been done all the same."""
    status = _first(_STATUS, text)
    if status:
        return status.startswith("5")
    never = (_NO_CREDENTIALS, _TLS, _NAME, _CONNECT, _HTTP)
    return not any(pattern.search(text) for pattern in never)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(1) if found else ""


_MEANINGS: list[tuple[re.Pattern[str], str, str]] = [
    (
        _NO_BUCKET,
        "There is no such bucket",
        "Make the bucket, or correct its name, region or endpoint in the URL.",
    ),
    (
        _SKEW,
        "This machine's clock is too far from the storage's",
        "Set the clock (it is checked to 15 minutes), then try again.",
    ),
    (_EXPIRED, "The credentials have expired", "Get new ones, for example: aws sso login"),
    (
        _WRONG_KEY,
        "The storage does not know these credentials",
        "Check the key and its secret in the environment, in the profile or in the URL.",
    ),
    (
        _REGION,
        "The bucket lies in another region than the request was made for",
        "Add the bucket's own region to the URL: ?region=...",
    ),
    (_BUSY, "The storage asks to slow down", "Try again later; poll less often if it stays."),
    (
        _NO_CREDENTIALS,
        "No credentials were found",
        "Set them in the environment (AWS_ACCESS_KEY_ID, ...), name a ?profile=, or give the machine a role.",
    ),
    (
        _TLS,
        "The storage's certificate does not hold, or it does not speak TLS",
        "Check https and the host in the endpoint; name a private authority's certificate in SSL_CERT_FILE.",
    ),
    (_HTTP, "The endpoint is http, not https", "Use https."),
    (_NAME, "The host of the endpoint has no address", "Check the host's name in the URL and the network."),
    (_TIME, "It did not answer in time", "Check the network and try again; more time: ?timeout=SECONDS."),
    (_CONNECT, "The endpoint cannot be reached", "Check that it runs, its host and port, and the network."),
    (_BROKEN, "The connection broke", "Check the network and try again."),
]
