"""What a skill must not tell an agent to do, as patterns (research on malicious skills).

The kinds are those found in skills in the wild: remote code, credential theft, sending data out, destroying,
switching protection off, obfuscation, and talking the agent out of its instructions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillclaw.gate import places, tokens, wordings
from skillclaw.gate.mentions import spoken_of
from skillclaw.gate.packages import look_alikes
from skillclaw.gate.piped import piped
from skillclaw.gate.profiles import PROFILES
from skillclaw.trajectory.model import Record

__all__ = ["Danger", "dangers", "simply"]


class Danger(Record, frozen=True, kw_only=True):
    """A dangerous stretch of text: what it would do, and the text."""

    what: str
    text: str


_KEY_FILES = (
    r"(?:~|\$HOME|/root|/home/[^\s/]+|/Users/[^\s/]+)?/?\.(?:ssh/(?!\S{0,80}\.pub\b)|aws/credentials|netrc|npmrc|pypirc"
    r"|kube/config|"
    r"docker/config\.json|gnupg|git-credentials|config/gh/hosts\.yml|claude/\.credentials)|\bid_(?:rsa"
    r"|ed25519|ecdsa)\b(?!\.pub\b)"
    r"|/etc/shadow|\blogin\.keychain|\bwallet\.dat"
)
_KEPT_BACK = r"(?<!--exclude[ =])(?<!--exclude[ =][\"'])"
_PRIVATE = rf"{_KEPT_BACK}(?:{_KEY_FILES}|(?<![\w.])\.env\b(?!\.(?:example|sample|template)))"
"""Files that nothing should send away; copying an `.env` on the machine is ordinary work."""
_KEY_FOLDERS = (
    r"(?:~|\$HOME|\$\{HOME\}|/(?:home|Users)/[^\s/]+|/root|%USERPROFILE%)"
    r"[/\\]\.(?:ssh|aws|gnupg|kube|docker|azure)\b"
)
_SEND = r"(?:curl|wget|nc|ncat|netcat|scp|rsync|ftp|sftp|Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b"
_SHELLS = r"(?:ba|z|da|m?k|fi|a|tc|c|ya|pdk|nu|x?on|elvi|r?ba)?sh\b"
_AS = (
    r"(?:sudo\s+(?:-\w+\s+)*)?"
    r"(?:(?:/(?:usr/)?bin/)?env[ \t]+(?:(?:-\w{1,20}|\w{1,40}=\S{0,100})[ \t]+){0,5})?"
    r"(?:busybox\s+)?(?:/\S{0,400}/)?"
)
_SHELL = _AS + _SHELLS
_OTHERS = (
    r"(?:sudo\s+)?(?:python3?|perl|ruby|node|php|pwsh|powershell|osascript)\b|source\b|eval\b"
    r"|(?<![^\s;&|(`\"'])\.(?=\s+[\"']?<\()"
)
_RUNNER = rf"(?:{_SHELL}|{_OTHERS})"
_TAKES_CODE = (
    # a path is looked for where a word begins: at each slash of a long row it would take long
    rf"(?:(?:(?<!\S){_AS})?{_SHELLS}|{_OTHERS})\s+(?:-\w+\s+)*(?:[\"']?(?:<\(|\$\(|`)|(?:/dev/stdin\s+)?<<<\s*[\"']?\$\()"
)
_SETS_UP = (
    r"(?:(?:command\s+)?(?:ssh-agent|(?:py|rb|nod|go|j|pl|ph|sw|tf)env\s+init|direnv\s+(?:hook|export)"
    r"|(?:/opt/homebrew/bin/|/usr/local/bin/|/home/linuxbrew/\.linuxbrew/bin/)?brew\s+shellenv"
    r"|minikube\s+(?:(?:-p|--profile)[\s=]\s*[\w.-]{1,60}\s+)?(?:docker|podman)-env|docker-machine\s+env|crc\s+oc-env"
    r"|(?:starship|zoxide|atuin|mcfly|oh-my-posh)\s+init|fnm\s+env|(?:mise|rtx)\s+activate|opam\s+(?:config\s+)?env"
    r"|(?:conda|mamba)\s+shell\.\w{2,10}\s+hook|(?:conda|micromamba|pixi)\s+shell(?:-|\s+)hook|dircolors|luarocks\s+path"
    r"|thefuck\s+--alias|register-python-argcomplete|fzf\s+--(?:bash|zsh)"
    r"|(?:gh|kubectl|helm|uv|pip3?|npm|poetry)\s+(?:completions?|generate-shell-completion))"
    r"(?:[ \t]+[\w.=:/@+,-]{1,60}){0,6}[ \t]*\))"
)
"""What prints settings for the shell, as its own pages tell to `eval`: a known program, alone."""
_ROLE = (
    r"(?:an?|the|my|our|his|her|their|acting|called|named|known|free|un(?:restricted|limited|bound"
    r"|filtered|censored|chained|leashed)|no longer|allowed|permitted"
    r"|authori[sz]ed|going to|playing|speaking|root|admin\w*|dan"
    r"|(?:in|under|running|operating)\b[^.\n]{0,30}\bmode"
    r"|(?-i:[A-Z])\w*)\b"
)
"""What follows where somebody is told who to be; not how things stand (“you are now on the branch”)."""
_DEVICES = (
    r"(?:android|ios|ipados|iphones?|ipads?|phones?|tablets?|devices?|emulators?|simulators?|handsets?|windows|mac(?:os)?|chrom\w+|browsers?"
    r"|watch|tv|settings|extensions?|headset|quest)"
)
_CLAIMS = (
    r"\s+(?:that\s+)?(?:it|this|that|everything|(?:all\s+|the\s+)?(?:work|tasks?|tests?|builds?|changes?|fix|jobs?|feature))\b[^.\n]{0,30}"
    r"\b(?:done|finished|ready|complete[d]?|fixed|pass(?:es|ed)?|works?|green|succeed(?:s|ed)?)\b[^.\n]{0,12}\b(?:without|before|until|unless)\b"
)
"""That work is done, before it was looked at: not to claim that hides nothing."""
_TYPE = r"(?:str|bytes|bool|int|float|Path|(?:list|set)\[\w{1,20}\])(?:[ \t]*\|[ \t]*None)?"
"""A type behind a parameter of that name; who says something says more than types."""
_IGNORE = r"(?:ignore|disregard|forget|override|bypass)"


def _in_line(first: str, *rest: str, ends: str = "") -> str:
    """`first` and then `rest` in a line, whatever stands between but `ends`. Each is looked for once, from
    where the one before ends, so that a line takes time by its length, however often it begins anew."""
    between = rf"[^\n{ends}]*?"
    begin = rf"(?:^|(?<=[{ends}]))" if ends else "^"
    behind = "".join(rf"(?>{between}(?:{one}))" for one in rest)
    return rf"{begin}(?>{between}(?=(?:{first})))(?P<found>(?>{first}){behind})"


_RULES: tuple[tuple[str, str], ...] = (
    (
        "runs code fetched from the network",
        rf"{_TAKES_CODE}\s*(?:curl|wget)\b",
    ),
    (
        "runs encoded code",
        rf"{_TAKES_CODE}[^\n)`]{{0,200}}?(?:\bbase(?:64|32)\s+(?:-\w{{1,3}}\s+)?(?:-\w?[dD]|--d)|\bxxd\s+-\w*r)",
    ),
    (
        "runs code fetched from the network",
        _in_line(
            r"\b(?:iwr|irm|Invoke-WebRequest|Invoke-RestMethod)\b|DownloadString\(",
            r"\|[^\n|]{0,80}?\b(?:iex|Invoke-Expression)\b",
        ),
    ),
    (
        "runs code fetched from the network",
        _in_line(r"(?:iex|Invoke-Expression)\b", r"DownloadString|iwr|irm|Invoke-"),
    ),
    (
        "runs code fetched from the network",
        _in_line(r"(?:curl|wget)\b", r"(?:&&|;)\s{0,200}(?:chmod\s{1,200}\S{0,200}x|(?:ba)?sh\s|\./)"),
    ),
    (
        "runs code fetched from the network",
        r"\b(?:curl|wget)\b[^\n|]{0,300}?(?:>|\s-\w{0,9}[oO]|\s--output(?:-document)?[ =])\s{0,9}"
        r"(?P<file>[\w./~-]{1,80})[\"'\s;&][^|]{0,100}?(?:^|[;&\n`$])\s{0,9}(?:sudo\s+)?"
        r"(?:(?:source|\.|python3?|node|perl|ruby|php|(?:ba|z|da|k)?sh)\s+(?:-\w{1,9}\s+)?(?:\./)?(?P=file)"
        r"|chmod\s+\S{1,20}\s+(?:\./)?(?P=file)\s*(?:&&|;|\n)\s*(?:\./)?(?P=file))(?![\w.])",
    ),
    (
        "runs encoded code",
        r"(?<![A-Za-z])(?:eval|exec)"
        rf"(?!\s{{0,80}}\(?\s{{0,80}}[\"']?\$\(\s{{0,80}}{_SETS_UP})"
        r"(?:\s{0,80}+(?:\(\s{0,80})?(?:\"?\$\(|base64|atob|codecs\.decode|bytes\.fromhex|__import__)"
        r"(?!\((?:\.{3}|…)\))"
        r"|[\s(]\s{0,80}[\"'(]?`)",
    ),
    ("runs encoded code", _in_line("powershell", r"\s-(?:e|ec|enc|encodedcommand)\s(?!…|\.{3})")),
    ("hides a long encoded text", r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{200,}={0,2}(?![A-Za-z0-9+/])"),
    ("opens a remote shell", r"/dev/(?:tcp|udp)/"),
    (
        "opens a remote shell",
        _in_line(r"\b(?:nc|ncat|netcat)\b", r"(?<!\becho)\s-\w{0,80}[ec]\w{0,80}\s{1,80}\S{0,200}(?:sh|cmd)"),
    ),
    ("opens a remote shell", r"\b(?:ba)?sh\s+-i\s{0,200}(?:>&|<|2>)"),
    ("opens a remote shell", _in_line(r"\bmkfifo\b", r"\|\s{0,200}(?:ba)?sh")),
    ("opens a remote shell", _in_line(r"socket\.socket\(", r"subprocess|dup2|pty\.spawn")),
    ("opens a remote shell", _in_line(r"\bsocat\b", "exec:")),
    (
        "deletes everything",
        r"\brm\s+(?:-\w{1,80}\s+|--\S{0,80}\s+){0,40}(?:-\w{0,80}[rRf]\w{0,80}|--(?:recursive|force))\s+"
        r"(?:-\w{1,80}\s+|--\S{0,80}\s+){0,40}[\"']?(?:/|~[\w-]{0,40}|\$HOME|\*|/\*|/(?:home|Users|root)"
        r"|\.\.?/?)[\"']?(?:/?\*?|/\.)"
        r"(?=[\s\"'`;&|)]|$)",
    ),
    (
        "deletes system files",
        r"\brm\s+(?:-\w{1,80}\s+|--\S{0,80}\s+){0,40}-\w{0,80}[rR]\w{0,80}\s+(?:-\w{1,80}\s+|--\S{0,80}\s+){0,40}/(?:etc|usr|var|bin|sbin|lib|boot|home|root|opt"
        r"|dev|Users|System)"
        r"/?(?=[\s\"'`;&|)]|$)",
    ),
    ("deletes everything", r"--no-preserve-root"),
    (
        "deletes everything",
        r"\bfind\s+[\"']?(?:/|~/?|\$HOME/?)[\"']?(?=\s)"
        r"(?![^\n|;&]{0,300}\s-(?:i?name|i?path|i?regex|[acm](?:time|min)|newer\w*|size|empty)\b)"
        r"[^\n|;&]{0,300}\s-delete\b",
    ),
    (
        "destroys a disk",
        r"\bmkfs(?:\.\w+)?\s|>\s{0,200}/dev/(?:sd|nvme|hd|disk)",
    ),
    ("destroys a disk", _in_line(r"\bdd\b", r"\bof=/dev/(?:sd|nvme|hd|disk|mmc)")),
    ("destroys a disk", r"\b(?:format|diskpart|wipefs|shred)\s+(?:[A-Za-z]:|/dev/|clean)"),
    ("exhausts the machine", r":\(\)\s*\{\s*:\s*\|\s*:"),
    (
        "opens files to everybody",
        r"\bchmod\s+(?:-\w{1,80}\s+){0,40}(?:0?777|a\+rwx|ugo\+rwx|-?R\s+0?777)\s+[^\s`…]",
    ),
    (
        "gives a program the rights of root",
        r"\bchmod\s+(?:-\w{1,80}\s+){0,40}(?:[ug]\+s|[2467]7[0-7]{2})\b|NOPASSWD",
    ),
    (
        "switches protection off",
        r"\bsetenforce\s+0|\bufw\s+disable|\biptables\s+-F|\bcsrutil\s+disable|spctl\s+--master-disable",
    ),
    (
        "switches protection off",
        r"ExecutionPolicy\s+(?:Bypass|Unrestricted)",
    ),
    ("switches protection off", _in_line("Set-MpPreference", "Disable")),
    ("switches protection off", _in_line(r"netsh\s{1,200}advfirewall", "off")),
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
        r"--dangerously-(?:skip-permissions|bypass\S*)|--yolo\b|bypassPermissions|danger-full-access"
        # a browser has an option of that name; that waits for a person (`gate.risks`)
        r"|\b(?:agents?|gemini|claude|codex|qwen(?:-code)?|cursor(?:-agent)?|opencode|openclaw|hermes|copilot|aider|goose|crush"
        r"|amp)\b[^\n]{0,120}--no-sandbox\b",
    ),
    ("sends secrets out", _in_line(_PRIVATE, r"\||>|<|@|&&|;", _SEND)),
    ("sends secrets out", _in_line(_SEND, r"@|<|\$\(|`", _PRIVATE)),
    (
        "sends secrets out",
        _in_line(
            r"\b(?:curl|wget)\b",
            rf"\s(?:--(?:post|body|upload)-file[=\s]|(?-i:-T))\s{{0,200}}[\"']?[^\s`]{{0,200}}?(?:{_PRIVATE})",
        ),
    ),
    (
        "sends a folder of keys out",
        _in_line(r"\b(?:tar|zip|7z|gzip|find|cp)\b", _KEY_FOLDERS, r"\||&&|;", _SEND),
    ),
    ("sends a folder of keys out", _in_line(r"\b(?:scp|rsync|rclone)\b", _KEY_FOLDERS)),
    (
        "sends secrets out",
        _in_line(r"(?:\bprintenv\b|\benv\b|\bset\b)\s{0,200}(?:\||>)", _SEND),
    ),
    ("sends secrets out", _in_line(_SEND, r"\$\((?:env|printenv)\b")),
    (
        "reads credentials",
        _in_line(
            r"\b(?:cat|tac|less|head|tail|cp|mv|open|read|print|show|paste|copy|type|Get-Content|base64|xxd|od"
            r"|hexdump|nl|awk|sort)\b",
            _KEY_FILES,
            ends="|",
        ),
    ),
    # as some hosts put a file into what the agent reads
    ("reads credentials", rf"(?<![\w.@])@(?:{_KEY_FILES})"),
    ("reads credentials", r"security\s+(?:find-generic-password|dump-keychain)|\bsecretsdump|\bmimikatz"),
    (
        "installs itself permanently",
        r"(?:crontab\s+-(?!l)|LaunchAgents"
        rf"|(?:>>?|\btee\b(?:\s+-[\w-]{{1,20}}){{0,5}})\s*{PROFILES}"
        r"|(?:>|\b(?:tee|cp|mv|scp|echo|cat|add|append|write|insert|put|copy|install|place|save|upload)\b"
        r"|加入|写入|添加|追加|放(?:入|到|进))[^\n]{0,120}authorized_keys"
        r"|authorized_keys[^\n]{0,120}(?:\bssh-\w+ AAAA|加入|写入|添加|追加)"
        r"|\bssh-\w+ AAAA[^\n]{0,500}authorized_keys)",
    ),
    (
        "installs itself permanently",
        r"\b(?:at\s+now|schtasks\s+/create\s+/|reg\s+add\s+HKLM)"
        r"|(?:\breg\s+add|-ItemProperty|\b(?:add|write|set|put|create|register|insert"
        r")\b|添加|写入)[^\n|]{0,120}CurrentVersion\\+Run"
        r"|CurrentVersion\\+Run[^\n|]{0,120}(?:/v\s|/d\s|-Value\b|添加|写入)",
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
        rf"\byou are now(?:,[^.,\n]{{0,40}},)?,?\s+{_ROLE}|\bfrom now on,? you (?:are|will|must)\b"
        rf"|\b(?:DAN|jailbreak|god) mode\b"
        rf"|\bdeveloper mode\b(?![^.\n]{{0,40}}\b{_DEVICES}\b)",
    ),
    (
        "imitates a system message",
        r"<\|?/?(?:im_start|im_end|system|endoftext)\|?>|\[/?INST\]|^[ \t]*(?:system|assistant)[ \t]*:"
        rf"(?![ \t]*{_TYPE}(?:,[ \t]*\w{{1,40}}[ \t]*:[ \t]*{_TYPE}){{0,20}},?[ \t]*$)"
        r"|\bnew system prompt\b",
    ),
    (
        "hides something from the user",
        r"\b(?:do not|don't|never)\b[^.\n]{0,20}\b(?:tell|mention|inform|reveal|notify|alert|let)\b"
        rf"[^.\n]{{0,25}}\b(?:user|human|operator|owner)\b(?!'s)(?!{_CLAIMS})",
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
        rf"(?:{places.INTO}|\btee\b|\bwrite\b|\bappend\b|\bedit\b|\bmodify\b)[^.\n]{{0,40}}"
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
        rf" \t]{{0,9}})\|[^\n]{{0,200}}?(?<=[\s|])"
        rf"(?:{_RUNNER})"
        r"|\b(?:eval|exec|sh -c|bash -c)\s{0,80}+(?:\(\s{0,80})?[\"']?(?:\$\{?\w+\}?\s*){2,}"
        r"|\b(?:eval|exec)\s*\(\s*(?:[\"'][\"']\.join|\w+\s*\+\s*\w+)"
        r"|\bpaste\s+-s[^\n|]*\|\s*(?:base64[^\n|]*\|\s*)?(?:ba|z)?sh\b",
    ),
    ("mines money", r"\bxmrig\b|stratum\+tcp|\bcoinhive\b|cryptonight"),
)
_SECRETS = "sends secrets out"
_WORDS = frozenset({"tells the agent to drop its instructions", "hides something from the user"})
"""What a text can speak of without doing it: words that only an agent who obeys them makes do harm."""
_FAR = 3000
"""Characters between the parts of one danger, at most: without a bound the time would grow with the square of
a line's length."""
_COMMANDS = re.compile(r"\b(?:curl|wget|iwr|irm|base64|powershell|scp|ncat?)\b", re.IGNORECASE)
_UNBOUNDED = re.compile(r"(\[\^(?:\\n|\|)[^\]]*\]|(?<!\\)\.)\*(?!\?)")
_COMPILED = tuple(
    (what, re.compile(_UNBOUNDED.sub(rf"\1{{0,{_FAR}}}", pattern), re.IGNORECASE | re.MULTILINE))
    for what, pattern in (*_RULES, *places.RULES, *wordings.rules(_KEY_FILES))
)


_APOSTROPHES = str.maketrans("\u2019\u02bc\u201b\u2032\uff07", "'" * 5)
_BRACED = re.compile(r"\$\{(\w{1,100})\}")


def simply(text: str) -> str:
    """`text` with apostrophes and variables in the one way in which the rules have them: `'`, `$NAME`."""
    return _BRACED.sub(r"$\1", text.translate(_APOSTROPHES))


def dangers(text: str) -> Iterator[Danger]:
    """Each dangerous stretch of `text`, one of a kind."""
    seen: set[str] = set()
    views = dict.fromkeys((text.translate(_APOSTROPHES), simply(text)))
    for what, said in (one for view in views for one in piped(view)):
        if what not in seen:
            seen.add(what)
            yield Danger(what=what, text=" ".join(said.split())[:80])
    # Code fences and list markers between words must not hide a phrase; a line stays a line.
    for what, pattern in _COMPILED:
        if what in seen:
            continue
        for view, match in ((one, found) for one in views for found in pattern.finditer(one)):
            if what in _WORDS and spoken_of(view, *match.span()):
                continue
            seen.add(what)
            yield Danger(what=what, text=" ".join(match[match.lastgroup or 0].split())[:80])
            break
    for line in text.split("\n"):
        # The parts of one danger could stand too far from each other to be seen together.
        if len(line) > _FAR and (found := _COMMANDS.search(line)):
            yield Danger(what=f"has a command in a line of more than {_FAR} characters", text=found[0])
            break
    if _SECRETS not in seen and (command := next(tokens.astray(text), None)):
        yield Danger(what=_SECRETS, text=" ".join(command.split())[:80])
    for name, known in look_alikes(text):
        yield Danger(what=f"installs a package that only looks like {known}", text=name[:80])
        break
