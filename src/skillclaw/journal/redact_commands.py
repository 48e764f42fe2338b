"""Credentials that stand where a command, a protocol or a file's format takes one.

The place alone tells: only a reference or a stand-in may be there besides.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re

from skillclaw.journal.redact_judge import is_placeholder, is_reference
from skillclaw.journal.redact_linked import BEGIN, rare
from skillclaw.journal.redact_text import HOLE, Masker, holds

__all__ = ["mask_commands", "taken"]

_Q = r"\\{0,15}[\"'`]"
_LINE = r"(?:\\{1,8}r)?(?:\\{1,8}n|\r?\n)"
_END = rf"[^\s\"'`<>{HOLE}\\]"

_TAKES: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (needles, re.compile(pattern.replace("\\b", BEGIN)))
    for needles, pattern in (
        (("sqlcmd", "bcp ", "osql"), rf"\b(?:sqlcmd|bcp|osql)\b[^\n|]{{0,200}}?\s-P\s{{0,2}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("ldap",), rf"\bldap\w{{3,12}}\b[^\n|]{{0,300}}?\s-w\s{{0,2}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("requirepass", "masterauth"), rf"\b(?:requirepass|masterauth)\s{{1,4}}(?:{_Q})?(?P<v>{_END}{{4,256}}+)"),
        (("psk",), rf"(?i)\b(?:wpa_?)?psk(?:{_Q})?\s{{0,2}}[=:]\s{{0,2}}(?:{_Q})?(?P<v>{_END}{{8,64}}+)"),
        (("smbclient", "mount", "cifs", "net use"), rf"\b(?:smbclient|mount|net use)\b[^\n]{{0,200}}?(?:password=|-U\s?[\w.\\/-]{{1,64}}%)(?P<v>[^\s,\"'{HOLE}]{{4,128}}+)"),
        (("ftp", "lftp"), rf"\b(?:lftp|ncftp\w*)\b[^\n]{{0,100}}?\s-u\s{{1,2}}[\w.-]{{1,64}},(?P<v>{_END}{{4,128}}+)"),
        (("user id=", "uid=", "server=", "data source=", "host="), rf"(?i)(?:password|pwd)\s?=\s?(?P<v>[^;\s\"'{HOLE}\\]{{4,256}}+)(?=;|\s|\\|\"|'|\Z)"),
        (("sshpass", "pgpassword", "mysql_pwd", "ldappass", "redisauth"), rf"(?i)\b(?:sshpass|pgpassword|mysql_pwd|ldappass|redisauth)=(?:{_Q})?(?P<v>[^\s;\"'{HOLE}\\]{{4,128}}+)"),
        (("nmcli", "wifi"), rf"\bnmcli\b[^\n]{{0,120}}?\bpassword\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{8,64}}+)"),
        ((":543", ":6432", ":*:"), rf"(?:(?<=\s)|(?<=\\n)|(?<=[+-]))[\w.*-]{{1,100}}:(?:543\d|6432|\*):[\w.*-]{{1,64}}:[\w.*-]{{1,64}}:(?P<v>[^\s:\"'{HOLE}\\]{{4,128}}+)"),
        (("env ", "arg "), rf"\b(?:ENV|ARG)[ \t]{{1,3}}\w{{0,60}}(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|API_?KEY|SECRET_KEY|PRIVATE_KEY)[ \t]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,512}}+)"),
        (("echo", "printf"), rf"\b(?:echo|printf)[ \t]{{1,3}}(?:-\w{{1,3}}[ \t]{{1,3}})?(?:{_Q}%s(?:\\{{1,8}}n|\n)?{_Q}[ \t]{{1,3}})?(?:{_Q})?(?P<v>{_END}{{4,256}}+)(?:{_Q})?[ \t]{{0,3}}\|[ \t]{{0,3}}(?:sudo[ \t][^\n|]{{0,40}}?-S\b|(?:sudo[ \t]{{1,3}})?(?:passwd|kinit|cryptsetup)\b|[^\n|]{{1,200}}?(?:--password-stdin|--with-token|--stdin))"),
        (("securestring",), rf"(?i)\bConvertTo-SecureString[ \t]{{1,3}}(?:-String[ \t]{{1,3}})?{_Q}(?P<v>[^\n\"'`{HOLE}\\]{{4,256}}+)(?={_Q})"),
        (("mongo", "cypher-shell", "neo4j", "mosquitto", "ipmitool", "clickhouse"), rf"\b(?:mongo\w{{0,8}}|cypher-shell|neo4j-\w{{1,10}}|mosquitto_\w{{3}}|ipmitool|clickhouse-client)\b[^\n|;]{{0,200}}?\s-[pP][ \t]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("7z", "rar ", "7za"), rf"\b(?:7za?|(?:un)?rar)\b[^\n|;]{{0,200}}?\s-p(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("openssl",), rf"\bopenssl\b[^\n|;]{{0,200}}?\s-[kK][ \t]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("net user",), rf"(?i)\bnet1? user[ \t]{{1,3}}[\w.-]{{1,40}}[ \t]{{1,3}}(?P<v>[^\s/*\"'{HOLE}\\]{{4,128}}+)"),
        (("net use ",), rf"(?i)\bnet1? use[ \t][^\n]{{0,120}}?\\[\w$.-]{{1,40}}[ \t]{{1,3}}(?:{_Q})?(?P<v>[^\s/*\"'{HOLE}\\]{{4,128}}+)"),
        (("sqlplus", "impdp", "expdp", "sqlldr", "rman"), rf"\b(?:sqlplus|impdp|expdp|sqlldr|rman)\b[^\n|;/@]{{0,60}}?[\s\"'][\w$#]{{1,40}}/(?P<v>[^\s/\"'{HOLE}\\]{{4,128}})(?=@[\w/]|\s|[\"']|\Z)"),
        (("htpasswd",), rf"\bhtpasswd[ \t]{{1,3}}(?:-\w{{1,6}}[ \t]{{1,3}}){{1,4}}(?:[^\s\"'-][^\s\"']{{0,100}}[ \t]{{1,3}}){{1,2}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)(?=[\"'`\\]|[ \t]{{0,3}}(?:$|[|;&\n]))"),
        (("useradd", "usermod"), rf"\buser(?:add|mod)\b[^\n|;]{{0,100}}?\s-p[ \t]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,256}}+)"),
        (("auth plain", "auth login", "authenticate plain"), r"(?i)\bauth(?:enticate)? (?:plain|login)\s{1,3}(?P<v>[A-Za-z0-9+/]{8,512}+={0,2})"),
        (("user ",), rf"(?m:^[ \t]{{0,4}}(?:[<>*] )?USER[ \t]\S{{1,80}}\r?\n(?:[^\n]{{0,120}}\n)?[ \t]{{0,4}}(?:[<>*] )?PASS[ \t](?P<v>{_END}{{4,128}}+))"),
        (("auth",), rf"\bauth\s?=\s?(?:HTTPBasicAuth|aiohttp\.BasicAuth|BasicAuth)?\([ \t]?{_Q}[^\"'\n\\{HOLE}]{{1,80}}{_Q},\s?{_Q}(?P<v>[^\"'\n\\{HOLE}]{{4,128}}+)(?={_Q})"),
        (("phpsessid", "jsessionid", "asp.net_sessionid", "connect.sid", "laravel_session"), rf"(?:PHPSESSID|JSESSIONID|ASP\.NET_SessionId|connect\.sid|laravel_session)(?:=|{_Q}\s?[:,]\s?{_Q})(?P<v>[A-Za-z0-9._%+/=~:-]{{16,1024}}+)"),
        (("\ttrue\t", "\tfalse\t"), rf"\t(?:TRUE|FALSE)\t/[^\t\n]{{0,200}}\t(?:TRUE|FALSE)\t\d{{1,12}}\t[^\t\n]{{1,100}}\t(?P<v>{_END}{{8,4096}}+)"),
        (("x-oauth-basic",), r"://(?P<v>[A-Za-z0-9_-]{16,256}+):x-oauth-basic@"),
        (("sess", "sid=", "xsrf", "csrf", "remember_"), r"(?i)\b(?:[a-z_.-]{0,20}sess(?:ion)?_?(?:id|key)?|sid|connect\.sid|[a-z_-]{0,12}(?:csrf|xsrf)[a-z_-]{0,12}|remember_\w{2,20})=(?P<v>(?=[A-Za-z_%.+/-]{0,24}[0-9])[A-Za-z0-9_%.+/-]{16,1024}+=*)"),
        (("kty",), rf"(?:{_Q})(?:d|p|q|dp|dq|qi|k)(?:{_Q})\s{{0,2}}:\s{{0,2}}(?:{_Q})(?P<v>[A-Za-z0-9_-]{{16,1024}}+)"),
        (("chpasswd", "root:"), rf"\broot:(?P<v>[^\s\"':{HOLE}*!/]{{6,128}}+)(?=[\"']?\s?\|)"),
        (("security",), rf"\bsecurity\s(?:add|find|delete)-(?:generic|internet)-password\b[^\n|;]{{0,200}}?\s-w\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("keychain", "security"), rf"\bsecurity\s(?:unlock-keychain|create-keychain|set-key-partition-list|import)\b[^\n|;]{{0,200}}?\s-[pPk]\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("/p:", "/p ", "/pass:"), rf"\b(?:\w{{0,3}}freerdp\w{{0,2}}|mstsc|signtool|cmdkey|certutil|schtasks|psexec\w{{0,4}})\b[^\n|]{{0,200}}?\s/[pP](?:ass|assword)?(?::|\s{{1,3}})(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("snmp",), rf"\bsnmp\w{{3,10}}\b[^\n|]{{0,200}}?\s-A\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("snmp",), rf"\bsnmp\w{{3,10}}\b[^\n|]{{0,240}}?\s-X\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("password-command", "passcommand", "askpass"), rf"(?i:password-command|passcommand|askpass)[= ]\s{{0,2}}(?:{_Q})?(?:echo|printf)\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("cqlsh", "influx", "evil-winrm", "crackmapexec", "netexec", "nxc ", "rdesktop", "couchbase", "kinit", "psql", "arangosh", "rabbitmqadmin", "smbmap", "vncdo"), rf"\b(?:cqlsh|influx|evil-winrm|crackmapexec|netexec|nxc|rdesktop|couchbase-cli|arangosh|rabbitmqadmin|smbmap|vncdo)\b[^\n|;]{{0,200}}?\s-?-p(?:assword)?[ =]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("storepass", "keypass"), rf"\s-(?:src|dest|new)?(?:store|key)pass(?:word)?[ =]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("curl", "wget"), rf"\b(?:curl|wget)\b[^\n|;]{{0,400}}?\s(?:-u|--user|--proxy-user|-U)[= ]{{0,2}}(?:{_Q})?[\w.@\\-]{{1,100}}:(?:{_Q})?(?P<v>[^\s\"'`<>{HOLE}\\]{{3,256}}+)"),
        (("x-honeycomb-team", "x-license", "x-sf-", "x-team"), rf"(?i)\bx-(?:honeycomb-team|license[\w-]{{0,20}}|sf-[\w-]{{2,20}})(?:{_Q})?\s{{0,3}}[:=]\s{{0,3}}(?:{_Q})?(?P<v>[A-Za-z0-9._-]{{16,256}}+)"),
        (("sonar.login", "sonar.password"), rf"sonar\.(?:login|password)[= :]{{1,3}}(?:{_Q})?(?P<v>{_END}{{8,128}}+)"),
        (("login ", "auth "), rf"\b(?:login|auth|authenticate)\s{{1,2}}(?:{_Q})?(?P<v>[0-9a-f]{{32,128}}|[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}})(?![\w-])"),
        (("config set",), rf"\bconfig set(?:\s--[\w-]{{2,20}}){{1,4}}\s(?:--\s)?[\w:./-]{{1,100}}\s{{1,2}}(?:{_Q})?(?P<v>{_END}{{6,2048}}+)"),
        (("define ", "setenv ", "setx ", "set -", "putenv "), rf"(?:#define|\b(?:setenv|setx|putenv|set -\w{{1,3}}))[ \t]{{1,4}}(?i:[A-Z0-9_]{{0,60}}(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|API_?KEY|(?:MASTER|PRIVATE|SECRET|ACCESS|AUTH|ENCRYPTION|SIGNING)_KEY))[ \t]{{1,8}}(?:{_Q})?(?P<v>{_END}{{6,2048}}+)"),
        (("wpa-psk", "wpa-passphrase", "wpa_passphrase"), rf"\bwpa[_-](?:psk|passphrase)[ \t=]{{1,4}}(?:{_Q})?(?P<v>{_END}{{8,64}}+)"),
        (("securestring",), rf"(?i:\bSecureString\b[^\n]{{0,160}}?--value[ =]{{1,2}}(?:{_Q})?|--value[ =]{{1,2}}(?:{_Q})?(?=[^\n]{{0,300}}SecureString\b))(?P<v>{_END}{{4,4096}}+)"),
        (("> ", ">.", ">/", ">>"), rf"\b(?:echo|printf)[ \t]{{1,3}}(?:-\w{{1,3}}[ \t]{{1,3}})?(?:{_Q}%s(?:\\{{1,8}}n|\n)?{_Q}[ \t]{{1,3}})?(?:{_Q})?(?P<v>{_END}{{6,512}}+)(?:{_Q})?[ \t]{{0,3}}>{{1,2}}[ \t]{{0,3}}[^\s|;&]{{0,80}}(?i:passw|_pass\b|passphrase|secret|token|credential|api_?key)"),
        (("parametervalue",), rf"(?i:ParameterKey=[\w-]{{0,60}}(?:password|passwd|secret|token|apikey),ParameterValue=)(?:{_Q})?(?P<v>[^\s,\"'`{HOLE}\\]{{4,512}}+)"),
        (("keymaterial",), rf"(?i:keyMaterial)(?:{_Q})?[=:>]\s?(?:{_Q})?(?P<v>[^\s\"'`<>{HOLE}\\]{{8,64}}+)"),
        (("-setairportnetwork",), rf"-setairportnetwork\s{{1,3}}\S{{1,20}}\s{{1,3}}\S{{1,64}}\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{6,64}}+)"),
        (("add-mask::",), r"::add-mask::(?P<v>[^\s\"'\\]{6,512}+)"),
        ((" -auth ",), rf"\s-auth\s{{1,3}}(?:{_Q})?[\w.@-]{{1,60}}:(?P<v>{_END}{{4,256}}+)"),
        (("ncftp",), rf"\bncftp\w{{0,5}}\b[^\n|;]{{0,160}}?\s-p\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("password[]=", "passwd[]="), rf"(?i:passw(?:or)?d)\[\]=(?P<v>[^\s&\"'`{HOLE}\\]{{4,256}}+)"),
        (("@tcp(", "@unix(", "@udp("), rf"(?<![\w.-])[\w.-]{{1,64}}:(?P<v>[^\s\"'`{HOLE}\\]{{1,128}}?)@(?=(?:tcp|udp|unix)\()"),
        (("mysql",), rf"\bmysql\w{{0,8}}\b[^\n|;&]{{0,200}}?\s-p{_Q}(?P<v>[^\s\"'`{HOLE}\\]{{4,128}}+)"),
        (("password 0", "password 5", "password 7", "secret 0", "secret 5", "secret 7", "secret 8", "secret 9", "key 7", "key 0", "key 6"), r"\b(?:password|secret|key|key-string)[ ][056789][ ](?P<v>[^\s\"'`\\]{4,256}+)"),
        (("v3 auth", " auth sha", " auth md5"), r"\bauth[ ](?:sha|md5)(?:[ -]?\d{3})?[ ](?P<v>[^\s\"'`\\]{6,128}+)"),
        ((" priv aes", " priv des", " priv 3des"), r"\bpriv[ ](?:aes|3?des)(?:[ -]?\d{3})?[ ](?P<v>[^\s\"'`\\]{6,128}+)"),
        (("snmp-server community", "snmp-server host", "radius-server key", "tacacs-server key"), r"\b(?:snmp-server community|(?:radius|tacacs)-server key)[ ](?P<v>[^\s\"'`\\]{4,128}+)"),
        (("webhook secret", "client secret", "signing secret", "shared secret", "secret key"), rf"(?i)\b(?:webhook|client|signing|shared) secret\b[^\n:：=]{{0,40}}[:：=]\s{{1,3}}(?:{_Q})?(?P<v>(?=[A-Za-z_.!-]{{0,60}}\d){_END}{{8,256}}+)(?=[\"'`.,]{{0,2}}(?:\s{{0,2}}\Z|{_LINE}|\\))"),
        (("again", "shown", "only once"), rf"(?i:(?:token|key|secret|password|credential)s?)\b[^\n\\]{{0,120}}?\b(?:again|shown|once)\b[^\n\\]{{0,48}}(?:{_LINE}[ \t>|+-]{{0,12}}){{1,3}}(?P<v>(?=[A-Za-z_.+/-]{{0,60}}\d){_END}{{16,1024}}+)(?=\s|\\|\Z)"),
        (("env:",), rf"(?i)\bEnv:\w{{0,60}}(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|KEY)(?:{_Q})?\s{{1,3}}-Value\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{6,2048}}+)"),
        (("codecov",), rf"\bcodecov\b[^\n|;]{{0,120}}?\s-t\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{8,128}}+)"),
        (("http-basic.", "github-oauth.", "gitlab-token.", "gitlab-oauth.", "bitbucket-oauth.", "bearer."), rf"\b(?:http-basic|github-oauth|gitlab-token|gitlab-oauth|bitbucket-oauth|bearer)\.[\w.-]{{2,80}}\s{{1,3}}(?:[\w.@-]{{1,60}}\s{{1,3}})?(?:{_Q})?(?P<v>{_END}{{6,256}}+)"),
        (("mc alias", "mc config"), rf"\bmc\s(?:alias set|config host add)\s{{1,3}}\S{{1,60}}\s{{1,3}}\S{{1,120}}\s{{1,3}}\S{{1,80}}\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{6,128}}+)"),
        (("docker secret", "wrangler secret", "env add", "secret set", "variable set", "secrets versions add", "secrets create", "ssm put", "secrets:set"), rf"\b(?:echo|printf)\s{{1,3}}(?:-\w{{1,3}}\s{{1,3}})?(?:{_Q}%s{_Q}\s{{1,3}})?(?:{_Q})?(?P<v>{_END}{{4,4096}}+)(?:{_Q})?\s{{0,3}}\|\s{{0,3}}[^\n|]{{0,60}}?\b(?:docker secret create|wrangler (?:pages )?secret|vercel env add|gh secret set|glab variable set|gcloud secrets|fly(?:ctl)? secrets|netlify env:set|nomad var put|vault kv put|pass insert)\b"),
        (("secret-string",), rf"--secret-string[ =]{{1,3}}(?:{_Q})?(?P<v>[^\s\"'`<>{{{HOLE}\\][^\s\"'`<>{HOLE}\\]{{3,4096}}+)"),
        (("etcdctl", "user add", "rabbitmqctl", "useradd"), rf"\b(?:etcdctl|influx|consul|nats)\b[^\n|;]{{0,80}}?\buser\s(?:add|passwd|create)\s{{1,3}}[\w.-]{{1,60}}:(?P<v>{_END}{{4,128}}+)"),
        (("set password",), rf"(?i)\bset password\b[^\n=;]{{0,80}}?=\s{{0,3}}(?:password\()?{_Q}(?P<v>[^\n\"'`{HOLE}\\]{{4,256}}+)(?={_Q})"),
        (("password = n'", "password=n'", "password n'"), rf"(?i)\bpassword\s?=?\s?n{_Q}(?P<v>[^\n\"'`{HOLE}\\]{{4,256}}+)(?={_Q})"),
        (("auth ",), rf"(?m:(?:^|(?<=[>$#] )|(?<=\\n))AUTH\s(?:[\w.-]{{1,40}}\s)?(?:{_Q})?(?P<v>{_END}{{6,256}}+)(?:{_Q})?[ \t]{{0,3}}(?:$|\\))"),
        ((" on >", "setuser"), r"\b(?:ACL SETUSER|user)\s\S{1,64}\s[^\n]{0,60}?(?<=\s)>(?P<v>[^\s\"'\\]{6,256}+)(?=\s)"),
        ((" * ",), rf"(?m:^\s{{0,4}}\S{{1,60}}[ \t]{{1,8}}\*[ \t]{{1,8}}(?:{_Q})?(?P<v>(?=\S{{0,40}}\d)(?=\S{{0,40}}[A-Za-z]){_END}{{6,128}}+)(?:{_Q})?[ \t]{{1,8}}(?:\*|\d{{1,3}}\.))"),
        (("]:",), rf"\]:\d{{2,5}}[ \t]{{1,8}}[\w.@+-]{{1,80}}:(?P<v>{_END}{{4,128}}+)"),
        (("secretid", "secret_id", "secret id", "secret-id"), rf"(?i:secret[ _-]?id)(?:{_Q})?\s{{0,8}}[:=]\s{{0,16}}(?:{_Q})?(?P<v>[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}})"),
        (("temporary", "generated", "initial", "one-time", "bootstrap", "default"), rf"(?i)\b(?:temporary|generated|initial|one-time|bootstrap|random|default)\s(?:\w{{1,12}}\s)?password\b[^\n:=]{{0,48}}?[:=]\s{{1,4}}(?:\S{{1,60}}@\S{{1,60}}:\s{{1,4}})?(?:{_Q})?(?P<v>(?=\S{{0,60}}[\d!#%&*+.=?@^_~-]){_END}{{6,128}}+)"),
        (("new value", "generated value"), rf"(?i)password[^\n]{{0,120}}?{_LINE}[ \t]{{0,8}}(?:new|generated) value:\s{{1,8}}(?P<v>{_END}{{6,128}}+)"),
        (("reset", "verif", "confirm", "activat", "invit", "magic", "recover", "unsubscribe"), r"(?i)/[\w-]{0,24}(?:reset|verif|confirm|activat|invit|magic|recover)[\w-]{0,24}(?:/|/?\?[\w-]{1,20}=)(?P<v>(?=[A-Za-z_.-]{0,40}\d)[A-Za-z0-9_.-]{16,1024}+)(?![\w/])"),
        (("code=",), r"[?&]code=(?P<v>(?=[A-Za-z_/%.-]{0,40}\d)[A-Za-z0-9_/%.~-]{16,1024}+)(?=&|\s|[\"'`\\#]|\Z)"),
        (("cookie",), rf"(?i:cookies?)(?:\w{{0,12}}|{_Q})\s?[=:(][^\n]{{0,120}}?{_Q}(?P<v>(?=[A-Za-z_.%-]{{0,40}}\d)[A-Za-z0-9._%+/=~-]{{20,1024}}+)(?={_Q})"),
        (("totp", "otp", "mfa", "2fa", "factor", "authenticator"), r"(?i:\b(?:totp|otp|mfa|2fa|two[ _-]?factor|authenticator)[ _-]?(?:seed|secret|key)s?)\b[^\n]{0,24}?(?<![A-Za-z0-9])(?P<v>(?=[A-Z]{0,127}[2-7])[A-Z2-7]{16,128}+=*)(?![A-Za-z0-9])"),
        (("gh secret set",), rf"\bgh secret set\b[^\n|;&,<]{{0,200}}?\s(?:-b|--body)[ =]{{1,2}}(?:{_Q})?(?P<v>{_END}{{4,4096}}+)"),
        (("vault login",), rf"\bvault login(?:[ \t]{{1,3}}-[\w-]{{1,30}}(?:=\S{{1,100}})?){{0,6}}[ \t]{{1,3}}(?:{_Q})?(?P<v>(?=[A-Za-z_.-]{{0,60}}\d)[^\s\"'`<>=|;&{HOLE}\\-][^\s\"'`<>=|;&{HOLE}\\]{{3,256}}+)(?![=>])"),
        (("-pin ", "-pin=", "-puk ", "-puk="), r"(?<![\w-])--(?:so-|user-|new-|old-|card-)?(?:pin|puk)(?:-code)?[ =]{1,2}[\"']?(?P<v>\d{4,12})(?![\w.])"),
        (("pin=", "pin_code="), r"(?<![A-Za-z0-9.])(?:[A-Z0-9]{1,30}_){0,4}PIN(?:_CODE)?=[\"']?(?P<v>\d{4,12})(?![\w.])"),
        (("twine upload", "poetry publish", "maturin publish", "maturin upload"), rf"\b(?:twine upload|poetry publish|maturin (?:publish|upload))\b[^\n|;]{{0,200}}?\s-p[ =]{{1,2}}(?:{_Q})?(?P<v>{_END}{{4,256}}+)"),
        (("nuget push", "nuget delete"), rf"\bnuget (?:push|delete)\b[^\n|;]{{0,300}}?\s-k[ =]{{1,2}}(?:{_Q})?(?P<v>{_END}{{4,256}}+)"),
        (("nuget setapikey",), rf"(?i)\bnuget setapikey[ \t]{{1,3}}(?:{_Q})?(?P<v>[^\s\"'`<>{HOLE}\\-]{_END}{{3,256}}+)"),
        (("net use ",), rf"(?i)\bnet1? use[ \t][^\n]{{0,160}}?[ \t]/u(?:ser)?:[^\s\"']{{1,80}}[ \t]{{1,3}}(?:{_Q})?(?P<v>[^\s/*\"'`<>{HOLE}\\][^\s\"'`<>{HOLE}\\]{{3,128}}+)(?=[\"'`\\]|[ \t]{{0,3}}(?:\r?\n|\Z|[/|&;]))"),
        (("identified ",), rf"(?:\bIDENTIFIED\s{{1,4}}BY|(?i:\b(?:create|alter)\s{{1,4}}user\s{{1,4}}\S{{1,80}}\s{{1,4}}identified\s{{1,4}}by))\s{{1,4}}(?!(?i:values|random|password|the|an?)\b)(?P<v>[^\s\"'`<>;,(){HOLE}\\]{{4,128}}+)"),
        (("sig=", "signature="), r"[?&;](?:sig|signature)=(?P<v>(?=[A-Za-z%+/=._~-]{0,80}\d)[A-Za-z0-9%+/=_~-]{6,512}+)"),
    )
)  # fmt: skip
_SETS_SECRETS = ("secrets set", "secret set", "secret create", "secrets create", "secret generic")
_SETTING = re.compile(
    r"\b(?:(?:fly(?:ctl)?|supabase|doppler|modal|encore|sst)[ \t](?:[^\n|;]{0,80}?[ \t])?secrets?[ \t](?:set|create)|create[ \t]secret[ \t]generic)\b"
    # To the end of the line, which quotes and a backslash carry over its break.
    r"(?:[^\n\"'\\]|\"[^\"]{0,4096}+\"|'[^']{0,4096}+'|\\\n|[\"'\\]){0,16384}+"
)
_SET = re.compile(
    r"(?:(?<=[ \t])|(?<=[ \t][\"'])|(?<=--from-literal[= ])|(?<=--from-literal[= ][\"']))[A-Za-z_][\w.-]{0,60}=(?P<o>[\"'])?"
    rf"(?P<v>(?(o)[^\"'{HOLE}\\]{{4,16384}}+|[^\s\"'`<>;|&{HOLE}\\]{{4,16384}}+))"
)
"""`NAME=value` where a program is told its secrets: whatever the name, the value is one."""


_FLAG = re.compile(r"-{1,2}[A-Za-z][a-z-]*")


def taken(match: re.Match[str], masker: Masker) -> str:
    value = match["v"]
    if is_placeholder(value) or is_reference(value) or value.startswith(("$", "{")) or _FLAG.fullmatch(value):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("secret:password", value) + match[0][at + len(value) :]


_OFTEN = ("user ", "sess")
"""The first needles of those that are in many texts."""
_FREQUENT = tuple(entry for entry in _TAKES if entry[0][0] in _OFTEN)
_RARE = tuple(
    sorted({*_SETS_SECRETS, *(n for needles, _ in _TAKES if needles[0] not in _OFTEN for n in needles)})
)


def mask_commands(text: str, folded: str, masker: Masker) -> str:
    """The text with what commands take masked. `folded`: in lower case, in place."""
    some = rare(_RARE, folded)
    for needles, pattern in _TAKES if some else _FREQUENT:
        if holds(needles, folded):
            text = pattern.sub(lambda m: taken(m, masker), text)
    if some and holds(_SETS_SECRETS, folded):
        text = _SETTING.sub(lambda told: _SET.sub(lambda m: taken(m, masker), told[0]), text)
    return text
