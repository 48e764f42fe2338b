"""Credentials that can be told by their own form: vendors' keys, JWTs, private keys, URLs, headers.

Forms are those that the vendors document or that published scanners (detect-secrets, gitleaks) agree on;
every pattern is linear in the text: a literal anchor, then bounded or possessive classes.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re

from skillclaw.journal.redact_assign import is_placeholder, is_reference, looks_random
from skillclaw.journal.redact_text import HOLE, Masker, Rule

__all__ = ["PRIVATE_KEY", "RULES", "mask_private_keys"]

_GITLAB = tuple(
    f"gl{kind}-" for kind in ["pat", "oas", "dt", "rt", "cbt", "ptt", "ft", "imt", "agent", "soat", "ffct"]
)
_E = r"(?![A-Za-z0-9])"


def _rule(
    kind: str, needle: str | tuple[str, ...], pattern: str, *, random: bool = False, bounded: bool = False
) -> Rule:
    needles = (needle,) if isinstance(needle, str) else needle
    check = looks_random if random else _not_example
    return Rule(f"secret:{kind}", needles, re.compile(pattern), check, bounded=bounded)


def _not_example(value: str) -> bool:
    return not is_placeholder(value) and not value.startswith(("$", "{{", "%("))


_VENDORS = (
    _rule("anthropic-key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{16,}+"),
    _rule("openai-key", "sk-", r"sk-(?:proj|svcacct|admin|None|service)-[A-Za-z0-9_-]{20,}+"),
    _rule("openrouter-key", "sk-or-", r"sk-or-(?:v\d-)?[A-Za-z0-9]{20,}+"),
    _rule("langfuse-key", "-lf-", r"[sp]k-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    _rule("openai-key", "sk-", r"sk-[A-Za-z0-9]{20,}+", random=True, bounded=True),
    _rule("aws-key-id", ("AKIA", "ASIA", "ABIA", "ACCA"), r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}" + _E, bounded=True),
    _rule("tencent-key-id", "AKID", r"AKID[A-Za-z0-9]{32}" + _E, bounded=True),
    _rule("aliyun-key-id", "LTAI", r"LTAI[A-Za-z0-9]{12,26}+" + _E, random=True, bounded=True),
    _rule("baidu-key", "ALTAK", r"(?:bce-v3/)?ALTAK-[A-Za-z0-9]{16,}+(?:/[0-9a-f]{40})?", bounded=True),
    _rule("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{30,}+"),
    _rule("github-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{30,}+"),
    _rule("gitlab-token", _GITLAB, r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[A-Za-z0-9_.-]{18,}+", bounded=True),
    _rule("slack-token", "xox", r"xox[abceoprs]-[A-Za-z0-9-]{10,}+", bounded=True),
    _rule("slack-token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{20,}+", bounded=True),
    _rule("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<v>[A-Za-z0-9/_-]{20,}+)"),
    _rule("discord-webhook", "/api/webhooks/", r"/api/webhooks/(?P<v>\d{15,22}/[A-Za-z0-9_-]{40,}+)"),
    _rule("lark-webhook", "/open-apis/bot/", r"/open-apis/bot/(?:v2/)?hook/(?P<v>[A-Za-z0-9-]{20,}+)"),
    _rule("discord-token", ".", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}+", random=True, bounded=True),
    _rule("google-key", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    _rule("google-token", "ya29.", r"ya29\.[A-Za-z0-9_-]{20,}+"),
    _rule("google-secret", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{20,}+"),
    _rule("google-token", "1//0", r"1//0[A-Za-z0-9_-]{30,}+", bounded=True),
    _rule("stripe-key", ("_live_", "_test_"), r"[srp]k_(?:live|test)_[A-Za-z0-9]{10,}+", bounded=True),
    _rule("webhook-secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{20,}+", bounded=True),
    _rule("huggingface-token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,}+", bounded=True),
    _rule("npm-token", "npm_", r"npm_[A-Za-z0-9]{36}", bounded=True),
    _rule("pypi-token", "pypi-", r"pypi-[A-Za-z0-9_-]{40,}+", random=True),
    _rule("rubygems-key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _rule("crates-token", "cio", r"cio[A-Za-z0-9]{32}" + _E, random=True, bounded=True),
    _rule("docker-token", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{24,}+"),
    _rule("azure-key", ("AccountKey=", "SharedAccessKey="), r"(?:AccountKey|SharedAccessKey)=(?P<v>[A-Za-z0-9+/]{40,90}+={0,2})"),
    _rule("url-signature", ("sig=", "X-Amz-Signature="), r"(?:[?&]sig|X-Amz-Signature)=(?P<v>[A-Za-z0-9%+/=_-]{32,}+)"),
    _rule("azure-secret", "Q~", r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}+"),
    _rule("telegram-token", ":AA", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{32,33}"),
    _rule("sendgrid-key", "SG.", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}+", bounded=True),
    _rule("twilio-key", ("AC", "SK"), r"(?:AC|SK)[0-9a-f]{32}" + _E, bounded=True),
    _rule("mailgun-key", "key-", r"key-[0-9a-f]{32}" + _E, bounded=True),
    _rule("mailchimp-key", "-us", r"[0-9a-f]{32}-us\d{1,2}" + _E, bounded=True),
    _rule("notion-token", ("secret_", "ntn_"), r"(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,})" + _E, bounded=True),
    _rule("linear-key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{30,}+"),
    _rule("atlassian-token", "ATATT3", r"ATATT3[A-Za-z0-9_=-]{40,}+"),
    _rule("digitalocean-token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _rule("databricks-token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?" + _E, bounded=True),
    _rule("shopify-token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", bounded=True),
    _rule("square-token", "sq0", r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,}+", bounded=True),
    _rule("square-token", "EAAA", r"EAAA[A-Za-z0-9_-]{58,62}" + _E, random=True, bounded=True),
    _rule("groq-key", "gsk_", r"gsk_[A-Za-z0-9]{30,}+", bounded=True),
    _rule("xai-key", "xai-", r"xai-[A-Za-z0-9]{40,}+", bounded=True),
    _rule("perplexity-key", "pplx-", r"pplx-[A-Za-z0-9]{30,}+", bounded=True),
    _rule("replicate-token", "r8_", r"r8_[A-Za-z0-9]{32,}+", bounded=True),
    _rule("nvidia-key", "nvapi-", r"nvapi-[A-Za-z0-9_-]{40,}+"),
    _rule("cerebras-key", "csk-", r"csk-[A-Za-z0-9]{30,}+", bounded=True),
    _rule("fireworks-key", "fw_", r"fw_[A-Za-z0-9]{22,}+", random=True, bounded=True),
    _rule("tavily-key", "tvly-", r"tvly-[A-Za-z0-9-]{20,}+"),
    _rule("jina-key", "jina_", r"jina_[A-Za-z0-9_-]{40,}+"),
    _rule("langsmith-key", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _rule("vault-token", ("hvs.", "hvb."), r"hv[sb]\.[A-Za-z0-9_-]{24,}+", bounded=True),
    _rule("doppler-token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}+", bounded=True),
    _rule("grafana-token", ("glsa_", "glc_"), r"gl(?:sa|c)_[A-Za-z0-9_+/=]{30,}+", bounded=True),
    _rule("sentry-token", "sntry", r"sntry[su]_[A-Za-z0-9_=+/-]{40,}+"),
    _rule("newrelic-key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    _rule("postman-key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _rule("figma-token", "figd_", r"figd_[A-Za-z0-9_-]{30,}+"),
    _rule("airtable-token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", bounded=True),
    _rule("supabase-key", ("sbp_", "sb_secret_"), r"(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,})", bounded=True),
    _rule("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}+"),
    _rule("fly-token", "fm", r"fm[12][ar]?_[A-Za-z0-9+/=]{60,}+"),
    _rule("onepassword-token", "ops_ey", r"ops_ey[A-Za-z0-9_-]{40,}+", bounded=True),
    _rule("age-key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{40,}+"),
    _rule("artifactory-token", "AKCp", r"AKCp[A-Za-z0-9]{10,}+", random=True, bounded=True),
    _rule("jwt", "eyJ", r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]{4,}+){0,3}"),
    _rule("ssh-key", "AAAA", r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3}|sk-ssh-ed25519@openssh\.com) (?P<v>AAAA[A-Za-z0-9+/]{40,}+={0,3})"),
    _rule("password-hash", "$", r"\$(?:1|2[abxy]|5|6|7|y|argon2(?:id|i|d))\$[A-Za-z0-9./$=,+]{20,}+"),
)  # fmt: skip

_V = rf"[^\s\"'`<>,;{HOLE}\\]"
_PLACES = (
    # The password of a URL; what a shell or a template fills in stays.
    _rule("password", "://", rf"://[^\s/:@\"'`<>{HOLE}]{{0,128}}+:(?P<v>[^\s/\"'`<>{HOLE}]{{1,256}})@(?=[\w\[.-])"),
    _rule("token", "://", r"://(?P<v>[A-Za-z0-9_-]{20,256}+)@(?=[\w\[.-])", random=True),
    Rule(
        "secret:authorization",
        ("authorization", "x-api-key", "api-key", "x-auth-token", "x-goog-api-key", "private-token", "x-token"),
        re.compile(
            r"(?i:authorization|x-api-key|api-key|x-auth-token|x-goog-api-key|private-token|x-token)"
            r"(?:\\{0,3}[\"'`])?\s{0,4}[:=]\s{0,4}(?:\\{0,3}[\"'`])?"
            rf"(?:(?i:bearer|basic|token|digest|apikey|bot|key|aws4-hmac-sha256)\s{{1,4}})?(?P<v>{_V}{{8,4096}}+)"
        ),
        lambda value: not is_placeholder(value) and not is_reference(value) and not value.isalpha(),
        fold=True,
    ),
    Rule(
        "secret:authorization",
        ("bearer ",),
        re.compile(rf"(?i:\bbearer)\s{{1,4}}(?P<v>{_V}{{12,4096}}+)"),
        lambda value: not is_placeholder(value) and not is_reference(value) and any(char.isdigit() for char in value),
        fold=True,
    ),
    Rule(
        "secret:authorization",
        ("basic ",),
        re.compile(r"(?i:\bbasic)\s{1,4}(?P<v>[A-Za-z0-9+/]{12,512}+={0,2})(?![\w./-])"),
        lambda value: not is_placeholder(value) and (value.endswith("=") or looks_random(value)),
        fold=True,
    ),
    Rule(
        "secret:cookie",
        ("cookie:", 'cookie"', "cookie'", "cookie\\", "cookie :"),
        re.compile(
            r"(?i:(?<![\w.-])(?:set-)?cookie)(?:\\{0,3}[\"'`])?\s{0,4}:\s{0,4}(?:\\{0,3}[\"'`])?"
            rf"(?P<v>[A-Za-z0-9_.!%-]{{1,128}}+=[^\r\n\"'`{HOLE}\\]{{4,4096}}+)"
        ),
        _not_example,
        fold=True,
    ),
    _rule("cookie", ("-b ", "--cookie"), rf"(?<=\s)(?:-b|--cookie)[ =][\"']?(?P<v>[\w.-]{{1,64}}+=[^\r\n\"'{HOLE}]{{8,2048}}+)"),
)  # fmt: skip

RULES: tuple[Rule, ...] = _VENDORS + _PLACES

PRIVATE_KEY = "PRIVATE KEY"
_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_TO_END = re.compile(
    rf"(?P<body>(?:[^-{HOLE}]++|-(?!----?))*+)-{{4,5}} ?END [A-Z0-9 ]{{0,40}}?PRIVATE KEY(?: BLOCK)? ?-{{4,5}}"
)
_CUT_OFF = re.compile(
    r"(?:\s|\\[nr]|[A-Za-z0-9+/=]{16,}+|[A-Za-z-]{3,20}: [^\n\\]{1,100}(?:\n|\\n)|[A-Za-z0-9+/]{1,15}=*(?=\s|\\n|$))*+"
)
_RUN = re.compile(r"[A-Za-z0-9+/]{40}")
_PUTTY = re.compile(r"Private-Lines: \d{1,3}\r?\n(?P<v>(?:[A-Za-z0-9+/=]{1,80}\r?\n?){1,200})")


def mask_private_keys(text: str, masker: Masker) -> str:
    """Private keys in PEM form, whole, or as far as they go where the end was cut off; PuTTY's too."""
    parts: list[str] = []
    done = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < done:
            continue
        end = _TO_END.match(text, begin.end()) or _CUT_OFF.match(text, begin.end())
        if end is None or not _RUN.search(end[0].replace("\\n", "\n")):
            continue  # code or prose that speaks of the header
        stop = end.end() - len(end[0]) + len(end[0].rstrip())
        parts += [text[done : begin.start()], masker.mask("secret:private-key", text[begin.start() : stop])]
        done = stop
    parts.append(text[done:])
    return _PUTTY.sub(
        lambda m: m[0].replace(m["v"], masker.mask("secret:private-key", m["v"].strip()) + "\n"),
        "".join(parts),
    )
