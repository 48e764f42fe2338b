"""Planted secrets and their harmless look-alikes, each in a context as agents meet it.

Secrets are put together at run time, so that no scanner trips over this file.
"""

# ruff: noqa: E501  (one case a line reads best)

from __future__ import annotations

import random
import string
from pathlib import PurePosixPath

import pytest

from skillclaw.journal.redact import Redactor

REDACTOR = Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice"])

_random = random.Random(20261123)
B62 = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def some(length: int, alphabet: str = B62) -> str:
    """A value as generators make it: always with a digit and a letter."""
    while True:
        value = "".join(_random.choices(alphabet, k=length))
        if sum(c.isdigit() for c in value) >= 3 and sum(c.isalpha() for c in value) >= 3:
            return value


def luhn(prefix: str) -> str:
    """`prefix` with its check digit."""
    return next(
        prefix + str(d)
        for d in range(10)
        if sum(sum(divmod(int(c) * (2 if i % 2 else 1), 10)) for i, c in enumerate(reversed(prefix + str(d))))
        % 10
        == 0
    )


B64 = B62 + "+/"
PEM = "-----BEGIN {0} KEY-----\n{1}\n{1}\n{1}\n-----END {0} KEY-----"

# (name, text with `@@` for the secret, the secret)
PLANTED: list[tuple[str, str, str]] = [
    ("openai project", "client = OpenAI(api_key='@@')", "sk-" + "proj-" + some(48)),
    ("openai old", "$ echo $OPENAI_API_KEY\n@@\n$", "sk-" + some(48)),
    ("openai in json", '{"env": "OPENAI=@@"}', "sk-" + "svcacct-" + some(60)),
    ("after an escape", '{"cmd": "cat .env\\n@@\\n"}', "sk-" + some(32, HEX)),
    ("anthropic", "ANTHROPIC_API_KEY=@@ claude -p hi", "sk-" + "ant-api03-" + some(80)),
    ("openrouter", "using key @@ now", "sk-" + "or-v1-" + some(64, HEX)),
    ("aws key id", "aws_access_key_id = @@", "AKIA" + some(16, string.ascii_uppercase + string.digits)),
    ("aws temporary", '"AccessKeyId": "@@",', "ASIA" + some(16, string.ascii_uppercase + string.digits)),
    ("aws secret", "aws_secret_access_key = @@", some(40, B64)),
    ("aws secret json", '{"SecretAccessKey": "@@", "Expiration": "2026-01-01"}', some(40, B64)),
    ("aws secret export", "export AWS_SECRET_ACCESS_KEY=@@", some(40, B64)),
    ("github classic", "git clone https://@@@github.com/acme/x.git", "ghp" + "_" + some(36)),
    ("github actions", "x-access-token:@@", "ghs" + "_" + some(36)),
    ("github oauth", "\x1b[32m@@\x1b[0m", "gho" + "_" + some(36)),
    ("github fine-grained", "gh auth login --with-token <<< @@", "github" + "_pat_" + some(22) + "_" + some(59)),
    ("gitlab", "PRIVATE-TOKEN: @@", "glpat" + "-" + some(20)),
    ("slack bot", "SLACK=@@", "xox" + "b-" + "123456789012-" + some(24)),
    ("slack webhook", "curl https://hooks.slack.com/services/@@", f"T{some(8)}/B{some(8)}/{some(24)}"),
    ("google api", "https://maps.googleapis.com/maps/api?key=@@&v=3", "AI" + "za" + some(35)),
    ("google oauth", "access: @@", "ya" + "29." + some(60)),
    ("google client", "client_secret: @@", "GOC" + "SPX-" + some(28)),
    ("stripe", "stripe.api_key = '@@'", "sk" + "_live_" + some(24)),
    ("stripe webhook", "whsec: @@", "wh" + "sec_" + some(32)),
    ("hugging face", "huggingface-cli login --token @@", "h" + "f_" + some(34)),
    ("npm", "//registry.npmjs.org/:_authToken=@@", "np" + "m_" + some(36)),
    ("npm old", "//registry.npmjs.org/:_authToken=@@", some(8, HEX) + "-12ab-4abc-8def-" + some(12, HEX)),
    ("pypi", "password = @@", "py" + "pi-AgEIcHlwaS5vcmc" + some(70)),
    ("azure storage", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=@@;EndpointSuffix=core.windows.net", some(86, B64) + "=="),
    ("azure sas", "https://x.blob.core.windows.net/c?sv=2024-01-01&sig=@@", some(43) + "%3D"),
    ("telegram", "https://api.telegram.org/bot@@/getMe", "123456" + "7890:AA" + some(33)),
    ("discord", "client.login('@@')", "MT" + some(24) + "." + some(6) + "." + some(38)),
    ("sendgrid", "mail key @@ ok", "S" + "G." + some(22) + "." + some(43)),
    ("twilio", "TWILIO=@@", "S" + "K" + some(32, HEX)),
    ("twilio token", "auth_token = '@@'", some(32, HEX)),
    ("dashscope", "DASHSCOPE: @@", "sk-" + some(32, HEX)),
    ("aliyun id", "OSS id @@", "LT" + "AI" + some(20)),
    ("aliyun secret", "OSS_ACCESS_KEY_SECRET=@@", some(30)),
    ("tencent", "SecretId @@", "AK" + "ID" + some(32)),
    ("groq", "use @@", "gs" + "k_" + some(52)),
    ("xai", "use @@", "xa" + "i-" + some(80)),
    ("notion", "notion @@", "nt" + "n_" + some(46)),
    ("digitalocean", "doctl auth init -t @@", "dop" + "_v1_" + some(64, HEX)),
    ("vault", "VAULT @@", "hv" + "s." + some(24)),
    ("jwt", "Set header: @@", "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "J" + some(40) + "." + some(43)),
    ("rsa key", "cat id_rsa\n@@\n$ ", PEM.format("RSA PRIVATE", some(64, B64))),
    ("openssh key", "@@", PEM.format("OPENSSH PRIVATE", some(70, B64))),
    ("escaped key", '{"private_key": "@@", "x": 1}', PEM.format("PRIVATE", some(64, B64)).replace("\n", "\\n")),
    ("cut off key", "@@", "-----BEGIN EC PRIVATE" + " KEY-----\n" + some(64, B64) + "\n" + some(64, B64)),
    ("ssh public key", "ssh-ed25519 @@ me", "AAAAC3NzaC1lZDI1NTE5AAAAI" + some(43)),
    ("postgres url", "DATABASE_URL=postgres://app:@@@db.internal:5432/main", some(14)),
    ("redis url", "redis://:@@@127.0.0.1:6379/0", some(16)),
    ("amqp url, word", "amqp://worker:@@@mq:5672", "correcthorse"),
    ("url with at sign", "mongodb+srv://root:@@@cluster0.mongodb.net", "p@ss" + "w0rd!"),
    ("bearer", "curl -H 'Authorization: Bearer @@' http://localhost:9110/x", some(40)),
    ("basic", "Authorization: Basic @@", some(30) + "=="),
    ("bearer alone", "header = f'bearer @@'", some(40)),
    ("api key header", "curl -H 'x-api-key: @@'", some(32)),
    ("api key header json", '"headers": {"api-key": "@@"}', some(32, HEX)),
    ("cookie", "Cookie: @@", "session=" + some(32) + "; csrftoken=" + some(24)),
    ("set-cookie", "< Set-Cookie: @@", "sid=" + some(32) + "; Path=/; HttpOnly"),
    ("env password", "export DB_PASSWORD=@@", "hunter" + "2"),
    ("env password, word", "POSTGRES_PASSWORD=@@\nPORT=1", "correcthorse"),
    ("json password", '{"user": "bob", "password": "@@", "port": 5432}', "letme" + "in"),
    ("escaped json", '{\\"password\\": \\"@@\\"}', "tr0ub" + "4dor&3"),
    ("yaml password", "db:\n  user: x\n  password: @@\n  port: 1\n", "S3cure" + "Pw"),
    ("python keyword", "connect(host='db', password='@@')", "let me".replace(" ", "") + "1n"),
    ("typed default", 'api_key: str = "@@"', some(24)),
    ("subscript", "os.environ['SERVICE_TOKEN'] = '@@'", some(24)),
    ("flag", "tool login --password @@ --user x", "pa55" + "w0rd"),
    ("flag with equals", "tool --api-key=@@ run", some(20)),
    ("flag token", "tool --token @@", some(20)),
    ("secret key base", "SECRET_KEY_BASE: @@", some(64, HEX)),
    ("django", "SECRET_KEY = 'django-insecure-@@'", some(40)),
    ("url query", "GET /v1?access_token=@@&x=1", some(30)),
    ("xml", "<password>@@</password>", "s3cr3t" + "!"),
    ("curl user", "curl -u bob:@@ https://x/", "s3cr" + "etpw"),
    ("mysql", "mysql -u root -p@@ -h db", "R00t" + "pw9"),
    ("sshpass", "sshpass -p @@ ssh x", "R00t" + "pw9"),
    ("netrc", "machine github.com login bob password @@", "R00t" + "pw9x"),
    ("pgpass", "db:5432:main:bob:@@", "R00t" + "pw9y"),
    ("sql", "CREATE USER x IDENTIFIED BY '@@'", "R00t" + "pw9z"),
    ("docker login", "docker login -u x -p @@ reg", "R00t" + "pw8z"),
    ("prose", "my password is @@, don't tell", "blue42" + "sky"),
    ("chinese prose", "数据库密码：@@，请连接", "abc" + "12345"),
    ("shadow", "root:@@:19000:0", "$6$" + "saltsalt$" + some(60)),
    ("random token", 'print("@@")', some(40)),
    ("random base64", "value @@ end", some(44, B64) + "="),
    ("email", "mail carlos.rodriguez@@ please", "@atlas.com"),
    ("unicode email", "an @@ senden", "jürgen.groß@müller.de"),
    ("chinese email", "请联系zhang.san@@谢谢", "@atlas.com.cn"),
    ("phone", "call @@ now", "+49 151 2345 6789"),
    ("us phone", "call @@ now", "(415) 555-2671"),
    ("chinese mobile", "手机号 @@", "1381234" + "5678"),
    ("card", "card: @@ exp 12/27", luhn("411111122222333")),
    ("card in groups", "pay 5500 0000 @@ done", luhn("550000000000444")[8:12] + " " + luhn("550000000000444")[12:]),
    ("iban", "to @@ today", "DE89 3704 0044 0532 0130 00"),
    ("chinese id", "身份证 @@", "11010519491231002X"),
    ("home", "cd @@/src", "/home/alice"),
    ("other home", "/Users/@@/src", "bob.meier"),
    ("windows home", "C:\\Users\\@@\\AppData", "Bob"),
    ("prompt", "@@@laptop:~$ ls", "alice"),
]  # fmt: skip

HARMLESS = [
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "index 83db48f..bf2a1c4 100644",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  file.tar",
    '"integrity": "sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg=="',
    "id 123e4567-e89b-12d3-a456-426614174000",
    'tool_use_id: "toolu_01A09q90qw90lq917835lq9"',
    '"id": "call_ISe0D4yG7XBPGB9QcTTWTffm"',
    "chatcmpl-9abcDEF12345GHIjklMNO67890pqr",
    "password=$DB_PASSWORD",
    "password: ${{ secrets.DB_PASSWORD }}",
    "PASSWORD=${PASSWORD:-}",
    "token = os.environ['GITHUB_TOKEN']",
    'const apiKey = process.env.OPENAI_API_KEY;',
    "def login(user: str, password: str) -> Token:",
    "password = get_password()",
    "password=password, token=token",
    "self.api_key = api_key",
    "api_key: Optional[str] = None",
    '"password": "***"',
    "export API_KEY=your-api-key-here",
    "Authorization: Bearer $TOKEN",
    "Authorization: Bearer <token>",
    "-H 'Authorization: Bearer ${GITHUB_TOKEN}'",
    "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxx",
    "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
    "max_tokens: 4096, total_tokens=128000",
    "tokenizer: AutoTokenizer.from_pretrained('bert-base-uncased')",
    '{"type": "password", "name": "token"}',
    "password: string;",
    "  password: required",
    "primary_key=customer_id, cache_key = 'user:123:profile'",
    "<input type=\"password\" name=\"password\">",
    "if token == 'end_of_stream':",
    "PWD=/usr/src/app OLDPWD=/tmp",
    "git clone git@github.com:acme/widgets.git",
    "https://registry.npmjs.org:443/@types/node/-/node-20.1.0.tgz",
    "http://localhost:9110/path@2x.png",
    "postgres://app:$DB_PASS@db:5432/main",
    "postgres://user:password@localhost/db",
    "lodash@4.17.21 react@18.2.0 @types/node@20.1.0",
    "y = W@x.transpose(0, 1)",
    "@pytest.fixture\ndef x(): ...",
    "-----BEGIN PUBLIC KEY-----",
    'if "-----BEGIN RSA PRIVATE KEY-----" in text: raise',
    "listening on 0.0.0.0:8787, 127.0.0.1:5432",
    "2026-11-23T09:14:28.123456Z took 1234.5678 ms",
    "customer 00000213, order 4711, total 1,234,567.89 EUR",
    "1732353268123456789 ns since epoch",
    "-rw-r--r-- 1 root root 15032385536 Nov 23 10:00 disk.img",
    "phone book has 12345678 entries",
    "0x7fff5fbff8c0 <main+4096>",
    "3.14159265358979323846",
    "isbn 978-3-16-148410-0",
    "10.0.0.1 192.168.178.25 fe80::1ff:fe23:4567:890a",
    "AbstractSingletonProxyFactoryBean2ImplementationV3",
    "test_login_with_valid_credentials_returns_200_ok",
    "plots/2023-10-28_2023-11-30_total_visits_scatter.png",
    "/usr/lib/python3.11/site-packages/numpy/core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so",
    "https://github.com/acme/widgets/pull/1234/files#diff-9f86d081884c7d65",
    "+20231105 lines added, -1234567890 removed",
    "@@ -1234,7 +1234,9 @@ def token():",
    "+12345678901\n-12345678901\n",
    "node_modules/.pnpm/@babel+core@7.23.0/node_modules",
    "arn:aws:iam::123456789012:role/deploy",
    "Co-Authored-By: Claude <noreply@anthropic.com>",
    "cookie: a small file that a site keeps",
    "secret: my-app-secret",
    "kubectl create secret generic db-credentials",
    "--token-file /run/secrets/token --key server.pem",
    "docker build --secret id=npmrc,src=.npmrc .",
    "/home/user/app and /Users/Shared/x",
    "The password must have at least 12 characters and 1 digit.",
    "error: password authentication failed for user \"app\"",
    "Basic authentication is off; Bearer tokens are used",
    "tokens: [101, 2023, 2003, 102]",
    "key = lambda item: item[1]",
    "sort -k2,2n -t: /etc/services | head -20",
    "c3RhdHVz is status in base64",
    "d41d8cd98f00b204e9800998ecf8427e",
    "Bearer authentication",
    "ssh deploy-host 'systemctl status nginx'",
    "will mark alice's task as done",
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "secret"), PLANTED, ids=[one[0] for one in PLANTED])
def test_every_planted_secret_is_masked(name: str, text: str, secret: str) -> None:
    masked, counts = REDACTOR.text(text.replace("@@", secret, 1))
    assert secret not in masked, masked
    for piece in secret.split("\n"):
        assert len(piece) < 30 or piece not in masked
    assert counts
    again, none = REDACTOR.text(masked)
    assert again == masked
    assert not none


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_stays(text: str) -> None:
    masked, counts = REDACTOR.text(text)
    assert masked == text
    assert not counts


def test_the_corpus_is_large_enough() -> None:
    assert len(PLANTED) >= 60
    assert len(HARMLESS) >= 60
