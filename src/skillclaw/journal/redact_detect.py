"""What detect-secrets' plugins find that the rules here do not: keys of IBM Cloud, Cloudant and SoftLayer,
which have no form of their own, and AWS secrets by the words around them.

Its other plugins look for forms that `vendors` has too, or for entropy, which `redact_entropy` asks under
more conditions. Importing them takes 0.2 s, so they are loaded for the first text that names one of these.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from skillclaw.journal.redact_judge import is_placeholder
from skillclaw.journal.redact_text import Masker, holds

__all__ = ["mask_detected"]

_NEEDLES = ("cloudant", "softlayer", "ibm", "cos_hmac", "cos-hmac", "aws")
LONGEST_LINE = 2000


@cache
def _plugins() -> tuple[Any, ...]:
    from detect_secrets.plugins.aws import AWSKeyDetector
    from detect_secrets.plugins.cloudant import CloudantDetector
    from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
    from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
    from detect_secrets.plugins.softlayer import SoftlayerDetector

    kinds = (AWSKeyDetector, CloudantDetector, IbmCloudIamDetector, IbmCosHmacDetector, SoftlayerDetector)
    return tuple(kind() for kind in kinds)


def mask_detected(text: str, folded: str, masker: Masker) -> str:
    """The text with what the plugins find masked, line by line."""
    if not holds(_NEEDLES, folded) or not holds(("key", "pass", "token", "pwd", "api.softlayer"), folded):
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        lower = line.lower()
        if not 24 <= len(line) <= LONGEST_LINE or not holds(_NEEDLES, lower):
            continue
        for plugin in _plugins():
            for value in plugin.analyze_string(line):
                if isinstance(value, str) and len(value) >= 20 and not is_placeholder(value):
                    line = line.replace(value, masker.mask("secret:value", value))
        lines[number] = line
    return "\n".join(lines)
