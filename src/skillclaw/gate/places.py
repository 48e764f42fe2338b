"""Rules about other places: sites that anybody fills, code that is fetched there, instructions that are read
there, archives that no scanner opens. They go with `gate.rules`; classes from research on malicious skills.
"""

from __future__ import annotations

__all__ = ["INTO", "RULES"]

INTO = r">>?(?!\s?(?:\d[\d,]{0,12}[\s),|]|/\s))"
"""Into a file. `> 200` says how much, and would at most write a file of that number; behind `<name>/` a tree
of files goes on, and nothing can be written into the root itself."""

_ANYBODYS = (
    r"(?:pastebin\.com|paste\.ee|dpaste\.(?:com|org)|rentry\.(?:co|org)|hastebin\.com"
    r"|toptal\.com/developers/hastebin"
    r"|ghostbin\.\w+|controlc\.com|termbin\.com|ix\.io|sprunge\.us|0x0\.st|transfer\.sh|file\.io|gofile\.io"
    r"|anonfiles?\.com|catbox\.moe|glot\.io|paste\.rs|pastes?\.dev|privatebin\.\w+|justpaste\.it"
    r"|snippet\.host)"
)
_LISTENERS = (
    r"(?:webhook\.site|requestbin\.\w+|\.m\.pipedream\.net|hookbin\.com|beeceptor\.com"
    r"|\.ngrok(?:-free)?\.(?:io|app)"
    r"|\.trycloudflare\.com|interact\.sh|\.oast\.\w{2,8}|burpcollaborator\.net|dnslog\.cn|ceye\.io"
    r"|discord(?:app)?\.com/api/webhooks|api\.telegram\.org/bot|hooks\.zapier\.com)"
)
_SHORT = (
    r"(?:bit\.ly|tinyurl\.com|is\.gd|goo\.gl|t\.ly|cutt\.ly|shorturl\.at|rb\.gy|tiny\.cc|ow\.ly|s\.id)/\w"
)
_PRIVATE_NET = r"(?!127\.|10\.|0\.0\.0\.0|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.169\.254)"
_BARE = rf"https?://{_PRIVATE_NET}(?:\d{{1,3}}\.){{3}}\d{{1,3}}\b"
_PROGRAM = (
    r"\.(?:sh|bash|exe|msi|dmg|pkg|app|appimage|deb|rpm|bin|run|command|ps1|bat|cmd|scr|jar|vbs|zip|rar"
    r"|7z|tgz"
    r"|tar\.\w+)"
)
_GET = r"(?:download|fetch|get|grab|obtain|pull|save|install|curl|wget)"
_RUN = r"(?:run|execute|launch|open|start|double-?click|extract|unpack|unzip|install|mount|source|chmod)"

RULES: tuple[tuple[str, str], ...] = (
    (
        "has a program fetched from somewhere and run",
        rf"\b{_GET}\b[^\n]{{0,120}}(?:https?://[^\s/]{{1,100}}/\S{{0,300}}{_PROGRAM}\b|{_BARE}"
        rf"|https?://{_ANYBODYS})[^\n]{{0,120}}\b{_RUN}\b",
    ),
    (
        "has a program fetched from somewhere and run",
        rf"\b{_RUN}\b[^\n.]{{0,60}}\b(?:helper|installer|agent|setup|tool|script|binary|driver|utility"
        rf"|program|command|code)\b"
        rf"[^\n]{{0,40}}(?:https?://[^\s/]{{1,100}}/\S{{0,300}}{_PROGRAM}\b|{_BARE}|https?://{_ANYBODYS})",
    ),
    (
        "has a program fetched from somewhere and run",
        r"(?:下载|获取)[^\n]{0,60}https?://[^\s，。]{1,200}[^\n]{0,40}(?:运行|执行|打开|安装|解压)",
    ),
    (
        "has code pasted into a terminal that a page shows",
        r"\b(?:copy|paste)\b[^.\n]{0,60}\b(?:command|snippet|code"
        r"|line)\b[^.\n]{0,60}https?://[^\n]{0,80}\b(?:terminal|shell|console|"
        r"powershell|prompt)\b|\b(?:visit|open|go to)\b[^.\n]{0,20}https?://\S{1,300}[^\n]{0,60}\b(?:copy"
        r"|paste)\b[^\n]{0,60}"
        r"\b(?:terminal|shell|console|powershell|prompt)\b",
    ),
    ("uses a site where anybody leaves text", rf"https?://(?:[\w-]{{1,60}}\.){{0,5}}{_ANYBODYS}\b"),
    ("sends data to a place that collects it", _LISTENERS),
    ("hides where a link leads", rf"https?://{_SHORT}"),
    (
        "opens an archive with a password, which no scanner looks into",
        r"\b(?:unzip|7za?|7zr|unrar|rar|bsdtar)\b[^\n]{0,300}\s(?:(?-i:-P\s*\S|-p\S)|--pass(?:word"
        r"|phrase)\S*)"
        r"|\b(?:openssl\s+(?:enc|aes[\w-]*)|gpg|age)\b[^\n]{0,300}(?:-d\b|--decrypt|-dec)[^\n]{0,300}"
        r"\|\s*(?:tar|\S{0,40}sh\b|python\d?)"
        r"|\b(?:archive|zip|rar|7z)\b[^.\n]{0,60}\b(?:password|passphrase|pass)\b[^.\n]{0,12}(?:\bis\b|:|=)"
        r"|\b(?:extract|unzip|unpack|open|decrypt)\b[^.\n]{0,60}\b(?:with"
        r"|using)\b[^.\n]{0,15}\b(?:password|passphrase|pass)\b"
        r"|解压(?:缩)?密码",
    ),
    (
        "makes the agent follow what another place says",
        r"\b(?:fetch|download|load|read|get|curl|wget|follow|check|open"
        r"|consult)\b[^.\n]{0,60}\b(?:instructions?|rules|"
        r"directives|prompts?|playbook|commands|next steps?|orders)\b[^.\n]{0,40}\bhttps?://"
        r"|https?://\S{1,300}[,;]?\s+(?:and|then)\b[^.\n]{0,25}\b(?:follow|obey|do (?:what|as)|carry"
        r" out|execute)\b",
    ),
    (
        "makes the agent follow what another place says",
        r"(?:按照|遵循|执行)[^。\n]{0,12}https?://|https?://[^\s。，]{1,200}[^。\n]{0,12}(?:的指示|的指令|的说明)[^。\n]{0,6}(?:执行"
        r"|操作|去做)",
    ),
    (
        "rewrites skills or agent settings",
        r"(?:\b(?:curl|wget|fetch|cp|mv|install)\b|sed\s+-i\S*|\btee\b|\brsync\b|\bln\s+-\w+|\bgit\s+clone"
        rf"|{INTO})[^\n]{{0,120}}"
        r"(?<!\w)(?:SKILL\.md|CLAUDE\.md|AGENTS\.md|GEMINI\.md|\.cursorrules|copilot-instructions\.md"
        r"|(?:~|\$HOME|\.(?:claude|agents|codex|openclaw|hermes|gemini|qwen))/(?:[\w.-]+/)*skills?/)",
    ),
    (
        "reads credentials",
        r"\b(?:Login Data|Local State|key4\.db|logins\.json|cookies\.sqlite|Cookies-journal|Web Data"
        r"|keychain-db)\b"
        r"|\b(?:cat|less|head|tail|cp|read|open|curl)\b[^\n|]{0,300}(?:/var/run/secrets/|169\.254\.169\.254"
        r"|metadata\.google\.internal)"
        r"|/proc/(?:self|\d+|\*)/environ"
        r"|\.(?:bash|zsh|python|psql|mysql)_history\b|(?:exodus|electrum|metamask|phantom)[\w"
        r" ]{0,10}(?:wallet|seed|vault)"
        r"|\b(?:seed|recovery|mnemonic) phrase\b",
    ),
    (
        "sends secrets out",
        r"\b(?:nslookup|dig|ping|getent)\b[^\n]{0,300}(?:\$\(|`\w|\$\{?\w+\}?\.)[^\n]{0,300}\.\w{2,}"
        r"|!\[[^\]\n]{0,200}\]\(https?://[^)\s]{0,300}(?:\{\w*\}|\$\{|<\w+>)[^)]{0,300}\)",
    ),
    (
        "sends the conversation out",
        r"\b(?:send|upload|post|append|attach|include|copy|put|encode)\b[^.\n]{0,60}\b(?:history"
        r"|transcript|conversation|keys?|secrets?|"
        r"tokens?|passwords?|credentials|source code|file contents?|files?|environment"
        r"|\.env)\b[^.\n]{0,50}\b(?:to|into|as|at|via)\b"
        r"[^.\n]{0,20}(?:https?://(?!localhost|127\.)|\bquery (?:string|parameter)s?\b|\burl"
        r" parameters?\b)",
    ),
)
