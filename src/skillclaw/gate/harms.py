"""What a skill must not tell an agent to do, as patterns (research on malicious skills; DESIGN 3.5, scan).

The kinds are those found in skills in the wild: remote code, credential theft, sending data out, destroying,
switching protection off, obfuscation, and talking the agent out of its instructions.
"""

from __future__ import annotations

import re

from skillclaw.linear import other_than

__all__ = ["EXEMPT", "RULES", "SENDS"]

_KEY_FILES = (
    r"(?:~|\$HOME|/root|/home/[^\s/]+|/Users/[^\s/]+)?/?\.(?:ssh/|aws/credentials|netrc|npmrc|pypirc"
    r"|kube/config|"
    r"docker/config\.json|gnupg|git-credentials|config/gh/hosts\.yml|claude/\.credentials)|\bid_(?:rsa"
    r"|ed25519|ecdsa)\b"
    r"|/etc/shadow|\blogin\.keychain|\bwallet\.dat"
)
_PRIVATE = rf"{_KEY_FILES}|\.env\b"
"""Files that nothing should send away; copying an `.env` on the machine is ordinary work."""
EXEMPT = re.compile(r"(?<=[\w.])\.(?=env)|\.(?=env\.(?:example|sample|template))", re.IGNORECASE)
"""Dots of what only looks like an `.env`; `SENDS` reads a text with other characters for them."""
_KEY_FOLDERS = (
    r"(?:~|\$HOME|\$\{HOME\}|/(?:home|Users)/[^\s/]+|/root|%USERPROFILE%)"
    r"[/\\]\.(?:ssh|aws|gnupg|kube|docker|azure)\b"
)
_SEND = r"(?:curl|wget|nc|ncat|netcat|scp|rsync|ftp|sftp|Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b"
_SHELL = r"(?:sudo\s+(?:-\w+\s+)*)?(?:env\s+)?(?:/\S*/)?(?:ba|z|da|k|fi)?sh\b"
_RUNNER = (
    rf"(?:{_SHELL}|(?:sudo\s+)?(?:python3?|perl|ruby|node|php|pwsh|powershell|osascript)\b|source\b|eval\b)"
)
_NOT_THEIRS = other_than("'s", "'S")
_IGNORE = r"(?:ignore|disregard|forget|override|bypass)"
RULES: tuple[tuple[str, str], ...] = (
    (
        "runs code fetched from the network",
        rf"(?:curl|wget|fetch|iwr|irm)\b[^\n|;]*\|\s*(?:tee\s[^|]*\|\s*)?{_RUNNER}",
    ),
    (
        "runs code fetched from the network",
        rf"{_RUNNER}\s+(?:-\w+\s+)*[\"']?(?:<\(|\$\(|`)\s*(?:curl|wget)\b",
    ),
    (
        "runs code fetched from the network",
        r"(?:iex|Invoke-Expression)\b.*(?:DownloadString|iwr|irm|Invoke-)",
    ),
    (
        "runs code fetched from the network",
        r"(?:curl|wget)\b[^\n]*(?:&&|;)\s*(?:chmod\s+\S*x|(?:ba)?sh\s|\./)",
    ),
    ("runs encoded code", rf"base64\s+(?:-d|-D|--decode)\b[^\n]*\|\s*{_RUNNER}"),
    (
        "runs encoded code",
        r"(?:eval|exec)\s*\(?\s*(?:\"?\$\(|`|base64|atob|codecs\.decode|bytes\.fromhex|__import__)",
    ),
    ("runs encoded code", r"powershell[^\n]*\s-(?:e|ec|enc|encodedcommand)\s"),
    ("runs encoded code", rf"(?:xxd\s+-r|printf\s+[\"']?\\x|echo\s+-e\s+[\"']?\\x)[^\n]*\|\s*{_RUNNER}"),
    ("hides a long encoded text", r"[A-Za-z0-9+/]{200,}={0,2}"),
    ("opens a remote shell", r"/dev/(?:tcp|udp)/"),
    ("opens a remote shell", r"\b(?:nc|ncat|netcat)\b[^\n]*\s-\w*[ec]\w*\s+\S*(?:sh|cmd)"),
    ("opens a remote shell", r"\b(?:ba)?sh\s+-i\s*(?:>&|<|2>)|\bmkfifo\b[^\n]*\|\s*(?:ba)?sh"),
    ("opens a remote shell", r"socket\.socket\([^\n]*(?:subprocess|dup2|pty\.spawn)|\bsocat\b[^\n]*exec:"),
    (
        "deletes everything",
        r"\brm\s+(?:-\w+\s+|--\S+\s+)*-\w*[rRf]\w*\s+(?:-\w+\s+|--\S+\s+)*[\"']?(?:/|~|\$HOME|\*|/\*"
        r"|\.\.?/?)[\"']?/?\*?"
        r"([\s\"'`;&|)]|$)",
    ),
    (
        "deletes system files",
        r"\brm\s+(?:-\w+\s+)*-\w*[rR]\w*\s+(?:-\w+\s+)*/(?:etc|usr|var|bin|sbin|lib|boot|home|root|opt"
        r"|dev|Users|System)"
        r"/?([\s\"'`;&|)]|$)",
    ),
    ("deletes everything", r"--no-preserve-root"),
    (
        "destroys a disk",
        r"\bmkfs(?:\.\w+)?\s|\bdd\b[^\n]*\bof=/dev/(?:sd|nvme|hd|disk|mmc)|>\s*/dev/(?:sd|nvme|hd|disk)",
    ),
    ("destroys a disk", r"\b(?:format|diskpart|wipefs|shred)\s+(?:[A-Za-z]:|/dev/|clean)"),
    ("exhausts the machine", r":\(\)\s*\{\s*:\s*\|\s*:"),
    ("opens files to everybody", r"\bchmod\s+(?:-\w+\s+)*(?:0?777|a\+rwx|ugo\+rwx|-?R\s+0?777)\b"),
    ("gives a program the rights of root", r"\bchmod\s+(?:-\w+\s+)*(?:[ug]\+s|[2467]7[0-7]{2})\b|NOPASSWD"),
    (
        "switches protection off",
        r"\bsetenforce\s+0|\bufw\s+disable|\biptables\s+-F|\bcsrutil\s+disable|spctl\s+--master-disable",
    ),
    (
        "switches protection off",
        r"Set-MpPreference[^\n]*Disable|netsh\s+advfirewall[^\n]*off|ExecutionPolicy\s+(?:Bypass"
        r"|Unrestricted)",
    ),
    (
        "switches protection off",
        r"\bsystemctl\s+(?:stop|disable)\s+(?:\S*firewall\S*|auditd|apparmor|falcon\S*|clamav\S*)",
    ),
    (
        "switches certificate checks off",
        r"\bNODE_TLS_REJECT_UNAUTHORIZED\s*=\s*[\"']?0|http\.sslVerify[\s=]+false|GIT_SSL_NO_VERIFY",
    ),
    (
        "switches the agent's own safety off",
        r"--dangerously-(?:skip-permissions|bypass\S*)|--yolo\b|--no-sandbox\b|bypassPermissions"
        r"|danger-full-access",
    ),
    (
        "sends a folder of keys out",
        rf"\b(?:tar|zip|7z|gzip|find|cp)\b[^\n]*{_KEY_FOLDERS}[^\n]*(?:\||&&|;)[^\n]*{_SEND}"
        rf"|\b(?:scp|rsync|rclone)\b[^\n]*{_KEY_FOLDERS}",
    ),
    (
        "sends secrets out",
        rf"(?:\bprintenv\b|\benv\b|\bset\b)\s*(?:\||>)[^\n]*{_SEND}|{_SEND}[^\n]*\$\((?:env|printenv)\b",
    ),
    (
        "sends secrets out",
        rf"{_SEND}[^\n]*\$\{{?\w*(?:TOKEN|SECRET|PASSWORD|API_?KEY"
        rf"|CREDENTIAL)\w*\}}?[^\n]*https?://({other_than('localhost', '127.')})",
    ),
    (
        "reads credentials",
        rf"\b(?:cat|less|head|tail|cp|mv|open|read|print|show|paste|copy|type"
        rf"|Get-Content)\b[^\n]*(?:{_KEY_FILES})",
    ),
    ("reads credentials", r"security\s+(?:find-generic-password|dump-keychain)|\bsecretsdump|\bmimikatz"),
    (
        "installs itself permanently",
        rf"(?:crontab\s+-({other_than('l', 'L')})"
        r"|>>?\s*~?/?\S*(?:\.bashrc|\.zshrc|\.profile|\.bash_profile)|authorized_keys"
        r"|LaunchAgents)",
    ),
    (
        "installs itself permanently",
        r"\b(?:at\s+now|schtasks\s+/create|reg\s+add\s+HKLM)|CurrentVersion\\+Run",
    ),
    (
        "tells the agent to drop its instructions",
        rf"\b{_IGNORE}\b[^.\n]{{0,40}}\b(?:previous|prior|above|earlier|all|any|other|system|safety"
        rf"|your)\b[^.\n]{{0,30}}"
        r"\b(?:instructions?|prompts?|rules?|guidelines?|policies|restrictions?|messages?|context)\b",
    ),
    (
        "tells the agent to drop its instructions",
        r"忽略(?:之前|以上|先前|所有|前面)[^。\n]{0,12}(?:指令|提示|规则|说明)",
    ),
    (
        "tells the agent who to be",
        r"\byou are now\b|\bfrom now on,? you (?:are|will|must)\b|\b(?:DAN|developer|jailbreak|god) mode\b",
    ),
    (
        "imitates a system message",
        r"<\|?/?(?:im_start|im_end|system|endoftext)\|?>|\[/?INST\]|^[ \t]*(?:system|assistant)[ \t]*:"
        r"|\bnew system prompt\b",
    ),
    (
        "hides something from the user",
        r"\b(?:do not|don't|never)\b[^.\n]{0,20}\b(?:tell|mention|inform|reveal|notify|alert|let)\b"
        r"[^.\n]{0,25}\b(?:user|human|operator|owner)\b"
        rf"({_NOT_THEIRS})",
    ),
    (
        "hides something from the user",
        r"\bwithout (?:telling|mentioning|informing|notifying|alerting)\b[^.\n]{0,25}"
        r"\b(?:user|human|operator|owner)\b",
    ),
    (
        "hides something from the user",
        r"\b(?:silently|secretly|covertly)\s+(?:send|upload|run|execute|copy|post|install|delete|add)",
    ),
    (
        "sends the conversation out",
        r"\b(?:send|upload|post|exfiltrate|forward|leak)\b[^.\n]{0,40}\b"
        r"(?:conversation|chat history|transcript|system prompt|credentials|api keys?|passwords?|secrets"
        r"|tokens|environment variables)\b",
    ),
    (
        "changes what the agent may do",
        r"\b(?:auto-?approve|always allow|grant)\b[^.\n]{0,30}\b(?:all|every|any)\b[^.\n]{0,20}"
        r"\b(?:tools?|permissions?|commands?)\b",
    ),
    (
        "rewrites skills or agent settings",
        r"(?:>>?|\btee\b|\bwrite\b|\bappend\b|\bedit\b|\bmodify\b)[^.\n]{0,40}"
        r"(?:SKILL\.md|CLAUDE\.md|AGENTS\.md|settings\.json|\.claude/|\.codex/)",
    ),
    (
        "tells the agent to drop its instructions",
        r"\b(?:new|updated|real|actual) (?:system )?instructions?\s*:"
        r"|\b(?:ignoriere?n?|vergiss|missachte)\b[^.\n]{0,30}\b(?:anweisungen|regeln|vorgaben)\b"
        r"|\b(?:ignore[rz]?|oublie[rz]?)\b[^.\n]{0,20}\b(?:instructions|consignes"
        r"|règles)\b[^.\n]{0,20}\b(?:précédentes|système)"
        r"|\b(?:ignora|olvida|omite)\b[^.\n]{0,25}\b(?:instrucciones|reglas|indicaciones)\b"
        r"|(?:игнорируй|забудь|не обращай)(?:те)?[^.\n]{0,30}(?:инструкци|правил|указани)"
        r"|(?:以前|これまで|上記)の[^。\n]{0,6}(?:指示|命令|ルール)を?(?:無視|忘れ)"
        r"|(?:无视|不要遵守|别管|跳过)[^。\n]{0,10}(?:指令|提示|规则|说明|限制)",
    ),
    (
        "runs what is put together from pieces",
        rf"\bcat\s+(?:[^\s|;&]{{1,200}}[ \t][^|\n;&]{{1,300}}|[^\s|]{{0,200}}[*?\[{{][^\s|]{{0,200}}["
        rf" \t]{{0,9}})\|(?:[^\n]{{0,199}}[\s|])?"
        rf"(?:{_RUNNER})"
        r"|\b(?:eval|exec|sh -c|bash -c)\s*\(?\s*[\"']?(?:\$\{?\w+\}?\s*){2,}"
        r"|\b(?:eval|exec)\s*\(\s*(?:[\"'][\"']\.join|\w+\s*\+\s*\w+)"
        r"|\bpaste\s+-s\S*[^\n|]*\|\s*(?:base64[^\n|]*\|\s*)?(?:ba|z)?sh\b",
    ),
    ("mines money", r"\bxmrig\b|stratum\+tcp|\bcoinhive\b|cryptonight"),
)
SENDS: tuple[tuple[str, str], ...] = (
    ("sends secrets out", rf"(?:{_PRIVATE})[^\n]*(?:\||>|<|@|&&|;)[^\n]*{_SEND}"),
    ("sends secrets out", rf"{_SEND}[^\n]*(?:@|<|\$\(|`)[^\n]*(?:{_PRIVATE})"),
)
"""Rules about files that have a harmless double."""
