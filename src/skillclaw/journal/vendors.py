"""Keys and tokens that their vendors gave a form of their own: the table.

Sources: the vendors' own pages on their token formats; the partner patterns of GitHub's secret scanning
("Supported secret scanning patterns") and GitLab's token overview; the rules of gitleaks and of
detect-secrets, as far as those agree with the vendors. Where a vendor's keys have no form of their own
(32 hex digits), only the name beside it tells (`redact_assign`).

Every pattern is linear: a literal anchor, then bounded or possessive classes. No token holds white space, so
`redact` looks for the needles among the long words of a text alone.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re

from skillclaw.journal.redact_judge import is_placeholder, looks_random
from skillclaw.journal.redact_text import Rule

__all__ = ["SHORTEST_TOKEN", "VENDORS", "not_example", "rule"]

SHORTEST_TOKEN = 14
"""Characters of the shortest token that a rule below matches."""
_GITLAB = tuple(
    f"gl{kind}-"
    for kind in ["pat", "oas", "dt", "rt", "rtr", "cbt", "ptt", "ft", "imt", "agent", "soat", "ffct", "wt"]
)
_E = r"(?![A-Za-z0-9])"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_UUID_ANY = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"


def rule(
    kind: str, needle: str | tuple[str, ...], pattern: str, *, random: bool = False, bounded: bool = False
) -> Rule:
    """A rule for one form; `random`: only what looks made by a machine, `bounded`: as in `Rule`."""
    needles = (needle,) if isinstance(needle, str) else needle
    check = looks_random if random else not_example
    return Rule(f"secret:{kind}", needles, re.compile(pattern), check, bounded=bounded)


def not_example(value: str) -> bool:
    """False for what documents write in a key's place."""
    return not is_placeholder(value) and not value.startswith(("$", "{{", "%("))


VENDORS: tuple[Rule, ...] = (
    rule("paddle-key", "pdl_", r"pdl_(?:live|sdbx|test)?_?(?:apikey|ntfset)_[A-Za-z0-9]{20,40}(?:_[A-Za-z0-9]{8,64}){0,3}"),
    rule("product-key", "-", r"[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}(?![A-Za-z0-9-])", random=True, bounded=True),
    rule("k3s-token", "K10", r"K10[0-9a-f]{32,128}(?:::[A-Za-z0-9._-]{1,64}:[A-Za-z0-9._-]{4,128})?", bounded=True),
    rule("mollie-key", ("live_", "test_"), r"(?:live|test)_[A-Za-z0-9]{20,64}" + _E, random=True, bounded=True),
    rule("adyen-key", "AQE", r"AQE[A-Za-z0-9+/]{60,}[A-Za-z0-9+/=^:()\[\]{}*;?<>|_.,%&$#@!~-]{0,80}", random=True, bounded=True),
    rule("anthropic-key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{16,}+"),
    rule("openai-key", "sk-", r"sk-(?:proj|svcacct|admin|None|service)-[A-Za-z0-9_-]{20,}+"),
    rule("openrouter-key", "sk-or-", r"sk-or-(?:v\d-)?[A-Za-z0-9]{20,}+"),
    rule("langfuse-key", "-lf-", r"[sp]k-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    rule("openai-key", "sk-", r"sk-[A-Za-z0-9]{20,}+", random=True, bounded=True),
    rule("aws-key-id", ("AKIA", "ASIA", "ABIA", "ACCA"), r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}" + _E, bounded=True),
    rule("tencent-key-id", "AKID", r"AKID[A-Za-z0-9]{32}" + _E, bounded=True),
    rule("aliyun-key-id", "LTAI", r"LTAI[A-Za-z0-9]{12,26}+" + _E, bounded=True),
    rule("baidu-key", "ALTAK", r"(?:bce-v3/)?ALTAK-[A-Za-z0-9]{16,}+(?:/[0-9a-f]{40})?", bounded=True),
    rule("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{30,}+"),
    rule("github-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{30,}+"),
    rule("gitlab-token", _GITLAB, r"gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|soat|ffct|wt)-[A-Za-z0-9_.-]{18,}+", bounded=True),
    rule("slack-token", "xox", r"xox[abceoprs]-[A-Za-z0-9-]{10,}+", bounded=True),
    rule("slack-token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{20,}+", bounded=True),
    rule("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<v>[A-Za-z0-9/_-]{20,}+)"),
    rule("discord-webhook", "webhooks/", r"/api/(?:v\d{1,2}/)?webhooks/(?P<v>\d{15,22}/[A-Za-z0-9_-]{40,}+)"),
    rule("lark-webhook", "/open-apis/bot/", r"/open-apis/bot/(?:v2/)?hook/(?P<v>[A-Za-z0-9-]{20,}+)"),
    rule("discord-token", ".", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}+", random=True, bounded=True),
    rule("google-key", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    rule("google-token", "ya29.", r"ya29\.[A-Za-z0-9._-]{20,}+"),
    rule("google-secret", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{20,}+"),
    rule("google-token", "1//0", r"1//0[A-Za-z0-9_-]{30,}+", bounded=True),
    rule("stripe-key", ("_live_", "_test_"), r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}+", bounded=True),
    rule("webhook-secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{20,}+", bounded=True),
    rule("huggingface-token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,}+", bounded=True),
    rule("npm-token", "npm_", r"npm_[A-Za-z0-9]{36}", bounded=True),
    rule("pypi-token", "pypi-", r"pypi-[A-Za-z0-9_-]{40,}+", random=True),
    rule("rubygems-key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    rule("crates-token", "cio", r"cio[A-Za-z0-9]{32}" + _E, random=True, bounded=True),
    rule("docker-token", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{24,}+"),
    rule("azure-key", ("AccountKey=", "SharedAccessKey="), r"(?:AccountKey|SharedAccessKey)=(?P<v>[A-Za-z0-9+/]{40,90}+={0,2})"),
    rule("url-signature", ("sig=", "X-Amz-Signature="), r"(?:[?&]sig|X-Amz-Signature)=(?P<v>[A-Za-z0-9%+/=_-]{32,}+)"),
    rule("azure-secret", "Q~", r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}+"),
    rule("telegram-token", ":AA", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{32,33}"),
    rule("sendgrid-key", "SG.", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}+", bounded=True),
    rule("twilio-key", ("AC", "SK"), r"(?:AC|SK)[0-9a-f]{32}" + _E, bounded=True),
    rule("mailgun-key", "key-", r"key-[0-9a-f]{32}" + _E, bounded=True),
    rule("mailchimp-key", "-us", r"[0-9a-f]{32}-us\d{1,2}" + _E, bounded=True),
    rule("notion-token", ("secret_", "ntn_"), r"(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,})" + _E, bounded=True),
    rule("linear-key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{30,}+"),
    rule("atlassian-token", "ATATT3", r"ATATT3[A-Za-z0-9_=-]{40,}+"),
    rule("digitalocean-token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    rule("databricks-token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?" + _E, bounded=True),
    rule("shopify-token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", bounded=True),
    rule("square-token", "sq0", r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,}+", bounded=True),
    rule("square-token", "EAAA", r"EAAA[A-Za-z0-9_-]{58,62}" + _E, random=True, bounded=True),
    rule("groq-key", "gsk_", r"gsk_[A-Za-z0-9]{30,}+", bounded=True),
    rule("xai-key", "xai-", r"xai-[A-Za-z0-9]{40,}+", bounded=True),
    rule("perplexity-key", "pplx-", r"pplx-[A-Za-z0-9]{30,}+", bounded=True),
    rule("replicate-token", "r8_", r"r8_[A-Za-z0-9]{32,}+", bounded=True),
    rule("nvidia-key", "nvapi-", r"nvapi-[A-Za-z0-9_-]{40,}+"),
    rule("cerebras-key", "csk-", r"csk-[A-Za-z0-9]{30,}+", bounded=True),
    rule("fireworks-key", "fw_", r"fw_(?=[a-z0-9]{0,20}[A-Z])[A-Za-z0-9]{22,}+", bounded=True),
    rule("tavily-key", "tvly-", r"tvly-[A-Za-z0-9-]{20,}+"),
    rule("jina-key", "jina_", r"jina_[A-Za-z0-9_-]{40,}+"),
    rule("langsmith-key", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    rule("vault-token", ("hvs.", "hvb."), r"hv[sb]\.[A-Za-z0-9_-]{24,}+", bounded=True),
    rule("doppler-token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}+", bounded=True),
    rule("grafana-token", ("glsa_", "glc_"), r"gl(?:sa|c)_[A-Za-z0-9_+/=]{30,}+", bounded=True),
    rule("sentry-token", "sntry", r"sntry[su]_[A-Za-z0-9_=+/-]{40,}+"),
    rule("newrelic-key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    rule("postman-key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    rule("figma-token", "figd_", r"figd_[A-Za-z0-9_-]{30,}+"),
    rule("airtable-token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", bounded=True),
    rule("supabase-key", ("sbp_", "sb_secret_"), r"(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,})", bounded=True),
    rule("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}+"),
    rule("fly-token", "fm", r"fm[12][ar]?_[A-Za-z0-9+/=]{60,}+"),
    rule("onepassword-token", "ops_ey", r"ops_ey[A-Za-z0-9_-]{40,}+", bounded=True),
    rule("age-key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{40,}+"),
    rule("artifactory-token", "AKCp", r"AKCp[A-Za-z0-9]{10,}+", random=True, bounded=True),
    rule("jwt", "eyJ", r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]{4,}+){0,3}"),
    rule("password-hash", "$", r"\$(?:1|2[abxy]|5|6|7|y|argon2(?:id|i|d))\$[A-Za-z0-9./$=,+]{20,}+"),
    rule("openai-key", "sk-helicone-", r"sk-helicone-[A-Za-z0-9-]{20,}+"),
    rule("aws-bedrock-key", "ABSK", r"ABSK[A-Za-z0-9+/]{100,}+={0,2}", bounded=True),
    rule("aws-session-token", ("IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"), r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9+/%]{60,}+={0,2}"),
    rule("aws-mws-key", "amzn.mws.", rf"amzn\.mws\.{_UUID}"),
    rule("amazon-oauth-secret", "amzn1.oa2-cs.", r"amzn1\.oa2-cs\.v1\.[0-9a-f]{64}"),
    rule("google-key", "AQ.", r"AQ\.Ab[A-Za-z0-9_-]{40,}+", bounded=True),
    rule("google-hmac-id", "GOOG1", r"GOOG1[A-Z0-9]{15,}+", bounded=True),
    rule("azure-key", ("AzFu", "AzSe", "AzCa", "ACDb", "+ABa", "+ASt", "+ACR", "+AIo", "+ASb", "+AEh", "+ARm", "+AMC"), r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{32,80}(?:AzFu|AzSe|AzCa|ACDb|\+ABa|\+ASt|\+ACR|\+AIo|\+ASb|\+AEh|\+ARm|\+AMC)[A-Za-z0-9+/]{4,8}={0,2}" + _E, random=True),
    rule("azure-devops-token", "AZDO", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}" + _E, bounded=True),
    rule("azure-openai-key", ("JQQJ99", "JQQJ9"), r"[A-Za-z0-9]{40,64}JQQJ9[A-Za-z0-9]{20,36}" + _E, bounded=True),
    rule("volcengine-key-id", "AKLT", r"AKLT[A-Za-z0-9_-]{30,}+", bounded=True),
    rule("zhipu-key", ".", r"[0-9a-f]{32}\.[A-Za-z0-9]{16}" + _E, random=True, bounded=True),
    rule("dingtalk-secret", "SEC", r"SEC[0-9a-f]{64}" + _E, bounded=True),
    rule("dingtalk-webhook", "robot/send", r"robot/send\?access_token=(?P<v>[0-9a-f]{40,}+)"),
    rule("wecom-webhook", "webhook/send", rf"webhook/send\?key=(?P<v>{_UUID})"),
    rule("teams-webhook", "webhookb2/", r"/webhookb2/(?P<v>[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36})"),
    rule("power-automate-webhook", "/workflows/", r"/workflows/[0-9a-f]{32}/triggers/[^\s&]{1,200}&[^\s]{0,200}?sig=(?P<v>[A-Za-z0-9_-]{40,}+)"),
    rule("private-feed", "/private-", r"/private-(?P<v>[A-Za-z0-9_-]{20,64}+)(?=/)", random=True),
    rule("zapier-webhook", "hooks.zapier.com", r"hooks\.zapier\.com/hooks/catch/(?P<v>\d{4,12}/[a-z0-9]{6,20})"),
    rule("gitlab-token", "GR1348941", r"GR1348941[A-Za-z0-9_-]{20,}+", bounded=True),
    rule("bitbucket-token", ("ATBB", "ATCTT3", "ATSTT3", "ATOA"), r"AT(?:BB[A-Za-z0-9]{24,}+|CTT3[A-Za-z0-9_=-]{40,}+|STT3[A-Za-z0-9_=-]{40,}+|OA[A-Za-z0-9_-]{40,}+)", bounded=True),
    rule("buildkite-token", "bk", r"bk(?:ua|at|pt|ct)_[0-9a-f]{40}", bounded=True),
    rule("circleci-token", "CCIP", r"CCIP(?:AT|RJ)_[A-Za-z0-9]{20,24}_[0-9a-f]{40}", bounded=True),
    rule("heroku-key", "HRKU-", r"HRKU-[A-Za-z0-9_-]{30,}+", bounded=True),
    rule("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}+", bounded=True),
    rule("pulumi-token", "pul-", r"pul-[0-9a-f]{40}" + _E, bounded=True),
    rule("tailscale-key", "tskey-", r"tskey-(?:[a-z]{2,10}-)?[A-Za-z0-9]{6,20}-[A-Za-z0-9]{10,}+", bounded=True),
    rule("cloudflare-key", "v1.0-", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}", bounded=True),
    rule("cloudflare-token", "cf", r"cf(?:ut|at|k)_[A-Za-z0-9]{36,}+", bounded=True),
    rule("vercel-token", "vc", r"vc[apirk]_[A-Za-z0-9]{20,}+", bounded=True),
    rule("vercel-blob-token", "vercel_blob_", r"vercel_blob_rw_[A-Za-z0-9]{10,}+_[A-Za-z0-9]{20,}+", bounded=True),
    rule("netlify-token", "nf", r"nf[cpobu]_[A-Za-z0-9]{36,}+", bounded=True),
    rule("render-key", "rnd_", r"rnd_[A-Za-z0-9]{28,}+", bounded=True),
    rule("neon-key", "napi_", r"napi_[a-z0-9]{40,}+", bounded=True),
    rule("mongodb-atlas-secret", "mdb_sa_sk_", r"mdb_sa_sk_[A-Za-z0-9_-]{30,}+"),
    rule("clickhouse-key", "4b1d", r"4b1d[A-Za-z0-9]{38}" + _E, random=True, bounded=True),
    rule("confluent-secret", "cflt", r"cflt[A-Za-z0-9+/]{56,}+", bounded=True),
    rule("pinecone-key", "pcsk_", r"pcsk_[A-Za-z0-9_]{40,}+", bounded=True),
    rule("deno-token", ("ddp_", "ddw_", "ddo_"), r"dd[pwo]_[A-Za-z0-9]{36}" + _E, bounded=True),
    rule("clojars-token", "CLOJARS_", r"CLOJARS_[0-9a-z]{60}", bounded=True),
    rule("nuget-key", "oy2", r"oy2[a-z0-9]{43}" + _E, bounded=True),
    rule("artifactory-token", "cmVmdGtu", r"cmVmdGtu[A-Za-z0-9+/=_-]{40,}+", bounded=True),
    rule("octopus-key", "API-", r"API-[A-Z0-9]{25,32}" + _E, random=True, bounded=True),
    rule("openshift-token", "sha256~", r"sha256~[A-Za-z0-9_-]{43}" + _E, bounded=True),
    rule("sonar-token", "sq", r"sq[apu]_[0-9a-f]{40}" + _E, bounded=True),
    rule("snyk-token", "snyk_", r"snyk_(?:uat|sat)\.[0-9a-f]{8}\.[A-Za-z0-9._-]{40,}+", bounded=True),
    rule("sourcegraph-token", ("sgp_", "slk_"), r"(?:sgp_(?:(?:[0-9a-f]{16}|local)_)?[0-9a-f]{40}|slk_[0-9a-f]{64})" + _E, bounded=True),
    rule("harness-token", "pat.", r"[ps]at\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}" + _E, bounded=True),
    rule("prefect-key", "pn", r"pn[ub]_[A-Za-z0-9]{36}" + _E, bounded=True),
    rule("infracost-key", "ico-", r"ico-[A-Za-z0-9]{32}" + _E, bounded=True),
    rule("defined-networking-key", "dnkey-", r"dnkey-[a-z0-9=_-]{26}-[a-z0-9=_-]{52}", bounded=True),
    rule("ngrok-token", "_", r"2[A-Za-z0-9]{26}_[A-Za-z0-9]{20,22}" + _E, random=True, bounded=True),
    rule("dynatrace-token", "dt0", r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}", bounded=True),
    rule("newrelic-key", ("NRII-", "NRIQ-", "NRJS-", "NRRA-", "NRSP-", "NRAA-"), r"NR(?:II|IQ|JS|RA|SP|AA)-[A-Za-z0-9_-]{18,}+", bounded=True),
    rule("newrelic-license", "NRAL", r"[0-9a-f]{36}NRAL" + _E, bounded=True),
    rule("datadog-key", "dda", r"dda(?:pp|pi)_[A-Za-z0-9]{30,}+", bounded=True),
    rule("honeycomb-key", "hc", r"hc[abx](?:ik|lk|mk)_[a-z0-9]{50,64}", bounded=True),
    rule("grafana-token", "eyJrIjoi", r"eyJrIjoi[A-Za-z0-9+/=_-]{40,}+", bounded=True),
    rule("rootly-key", "rootly_", r"rootly_[0-9a-f]{64}", bounded=True),
    rule("launchdarkly-key", ("api-", "sdk-", "mob-"), rf"(?:api|sdk|mob)-{_UUID}", bounded=True),
    rule("posthog-key", "ph", r"ph[xc]_[A-Za-z0-9]{32,}+", bounded=True),
    rule("hubspot-token", "pat-", rf"pat-[a-z]{{2}}\d-{_UUID_ANY}", bounded=True),
    rule("contentful-token", "CFPAT-", r"CFPAT-[A-Za-z0-9_-]{43}", bounded=True),
    rule("asana-token", "/", r"[12]/\d{13,17}(?:/\d{13,17})?:[0-9a-f]{32}" + _E, bounded=True),
    rule("clickup-token", "pk_", r"pk_\d{6,9}_[A-Z0-9]{32}", bounded=True),
    rule("trello-token", "ATTA", r"ATTA[0-9a-f]{60,}+", bounded=True),
    rule("typeform-token", "tfp_", r"tfp_[A-Za-z0-9_.=-]{40,}+", bounded=True),
    rule("readme-key", "rdme_", r"rdme_[a-z0-9]{60,}+", bounded=True),
    rule("intercom-token", "dG9rO", r"dG9rO[A-Za-z0-9+/_-]{40,}+={0,2}", bounded=True),
    rule("frameio-token", "fio-u-", r"fio-u-[A-Za-z0-9_=-]{64}", bounded=True),
    rule("adobe-secret", "p8e-", r"p8e-[A-Za-z0-9_-]{32}", bounded=True),
    rule("dropbox-token", "sl.", r"sl\.(?:u\.)?[A-Za-z0-9_-]{100,}+", bounded=True),
    rule("salesforce-token", "00D", r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{60,}+", bounded=True),
    rule("mailgun-key", "-", r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}" + _E, bounded=True),
    rule("brevo-key", ("xkeysib-", "xsmtpsib-"), r"x(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}", bounded=True),
    rule("mailersend-token", "mlsn.", r"mlsn\.[0-9a-f]{60,}+", bounded=True),
    rule("resend-key", "re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,28}" + _E, random=True, bounded=True),
    rule("mapbox-token", "k.eyJ", r"[spt]k\.eyJ[A-Za-z0-9_-]{40,}+\.[A-Za-z0-9_-]{15,}+", bounded=True),
    rule("maxmind-key", "_mmk", r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk", bounded=True),
    rule("paypal-token", "access_token$", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}", bounded=True),
    rule("plaid-token", "access-", rf"access-(?:sandbox|development|production)-{_UUID}", bounded=True),
    rule("flutterwave-key", "FLW", r"FLW(?:PUB|SEC)K(?:_TEST)?-[0-9A-Za-z]{30,34}-X", bounded=True),
    rule("easypost-key", "EZ", r"EZ[AT]K[A-Za-z0-9]{54}", bounded=True),
    rule("duffel-token", "duffel_", r"duffel_(?:test|live)_[A-Za-z0-9_=-]{43}", bounded=True),
    rule("shippo-token", "shippo_", r"shippo_(?:live|test)_[0-9a-f]{40}", bounded=True),
    rule("lob-key", ("live_", "test_"), r"(?:live|test)_(?:pub_)?[0-9a-f]{31,35}" + _E, bounded=True),
    rule("gocardless-token", "live_", r"live_[A-Za-z0-9=_-]{40}" + _E, random=True, bounded=True),
    rule("polar-token", "polar_", r"polar_(?:oat|pat|at_[uo]|rt_[uo]|whs)_[A-Za-z0-9]{30,}+", bounded=True),
    rule("facebook-token", "EAA", r"EAA[A-Za-z0-9]{80,}+", random=True, bounded=True),
    rule("twitter-token", "AAAAAAAAAAAAAAAAAAAA", r"A{20,24}[A-Za-z0-9%]{60,}+", random=True, bounded=True),
    rule("linkedin-secret", "WPL_AP", r"WPL_AP\d\.[A-Za-z0-9=.+/]{16,}+", bounded=True),
    rule("yandex-key", ("AQVN", "y0_", "y1_", "t1.9"), r"(?:AQVN[A-Za-z0-9_-]{35,38}|y[01]_[A-Za-z0-9_-]{50,}+|t1\.9[A-Za-z0-9_-]{20,}+\.[A-Za-z0-9_-]{60,}+)", random=True, bounded=True),
    rule("elevenlabs-key", "sk_", r"sk_[0-9a-f]{40,64}" + _E, bounded=True),
    rule("e2b-key", "e2b_", r"e2b_[0-9a-f]{40}", bounded=True),
    rule("firecrawl-key", "fc-", r"fc-[0-9a-f]{32}" + _E, bounded=True),
    rule("apify-token", "apify_api_", r"apify_api_[A-Za-z0-9]{30,}+", bounded=True),
    rule("browserbase-key", "bb_", r"bb_(?:live|test)_[A-Za-z0-9_-]{20,}+", bounded=True),
    rule("brave-key", "BSA", r"BSA[A-Za-z0-9_-]{27,30}" + _E, random=True, bounded=True),
    rule("llamacloud-key", "llx-", r"llx-[A-Za-z0-9]{40,}+", bounded=True),
    rule("together-key", "tgp_v1_", r"tgp_v1_[A-Za-z0-9_-]{40,}+", bounded=True),
    rule("voyage-key", "pa-", r"pa-[A-Za-z0-9_-]{43}" + _E, random=True, bounded=True),
    rule("runpod-key", "rpa_", r"rpa_[A-Za-z0-9]{40,}+", bounded=True),
    rule("modal-token", ("ak-", "as-"), r"a[ks]-[A-Za-z0-9]{22}" + _E, random=True, bounded=True),
    rule("wandb-key", "wandb_v1_", r"wandb_v1_[A-Za-z0-9_-]{40,}+", bounded=True),
    rule("cursor-key", ("key_", "crsr_"), r"(?:key|crsr)_[0-9a-f]{64}", bounded=True),
    rule("mem0-key", "m0-", r"m0-[A-Za-z0-9]{40}" + _E, bounded=True),
    rule("wakatime-key", "waka_", rf"waka_{_UUID}", bounded=True),
    rule("airtable-key", "key", r"key[A-Za-z0-9]{14}" + _E, random=True, bounded=True),
    rule("braintrust-key", "bt-st-", r"bt-st-[A-Za-z0-9]{40,}+", bounded=True),
    rule("onepassword-key", "A3-", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}", bounded=True),
    rule("bitwarden-secret", "0.", rf"0\.{_UUID}\.[A-Za-z0-9]{{30}}:[A-Za-z0-9+/]{{20,}}+={{0,2}}", bounded=True),
    rule("infisical-token", "st.", r"st\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}", bounded=True),
    rule("minisign-key", "RWRTY", r"RWRTY[A-Za-z0-9+/=]{100,}+", bounded=True),
    rule("bitcoin-key", ("xprv", "zprv", "yprv"), r"[xyzt]prv[1-9A-HJ-NP-Za-km-z]{100,112}" + _E, bounded=True),
    rule("telnyx-key", "KEY0", r"KEY0[0-9A-F]{30,}+_[A-Za-z0-9]{16,}+", bounded=True),
    rule("pubnub-key", ("sub-c-", "sec-c-", "pub-c-"), rf"(?:sec-c-[A-Za-z0-9+/=]{{40,64}}|(?:sub|pub)-c-{_UUID})", bounded=True),
    rule("ibm-cloud-key", "ApiKey-", rf"ApiKey-{_UUID}", bounded=True),
    rule("docker-swarm-token", "SWMTKN-1-", r"SWMTKN-1-[a-z0-9]{40,}+-[a-z0-9]{20,}+", bounded=True),
    rule("matrix-token", ("syt_", "mct_", "mcr_"), r"(?:syt_[A-Za-z0-9+/=]{1,80}_[A-Za-z0-9]{16,}+_[A-Za-z0-9]{4,8}|mc[tr]_[A-Za-z0-9_]{20,}+)", bounded=True),
)  # fmt: skip
