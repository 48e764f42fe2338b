"""Commands and addresses that people have to see before agents do (docs/gate.md, Approval), as patterns: what
destroys work or lifts a guard, and what reaches another machine.

Each repeat has a bound, or gives nothing back (`++`, `(?>...)`), so that a stranger's text takes time by its
length only. `FLAGS` is why `git -C repo reset --hard` is `git reset --hard` (`gate.risks` has more of them).
"""

from __future__ import annotations

import re

from skillclaw.gate.risks import DESTROYS, FLAGS, REST, UNLOCKS

__all__ = ["OUT", "RISKY"]

RISKY = re.compile(
    rf"""
      \bgit\b[^`\n]{{0,200}}\bpush\b[^`\n]{{0,200}}\s
        (?:--force(?!-with-lease)\b | -f\b | \+\w)
    | \bgit\b[^`\n]{{0,200}}\s--no-verify\b
    | \bgit(?:\.exe)?\s{{1,9}}{FLAGS}(?:
          push\b{REST}\s(?:--delete\b | -d\b | --mirror\b | --prune\b | :\w)
        | reset\b{REST}\s--hard\b
        | clean\b{REST}\s(?:-\w{{0,9}}f | --force\b)
        | branch\b{REST}\s(?:(?-i:-\w{{0,9}}D) | -\w{{0,9}}f | --force\b)
        | commit\b{REST}\s(?-i:-[aeqsv]{{0,5}}n[aeqsvm]{{0,5}})(?![\w-])  # -n is --no-verify
        | config\s{{1,9}}(?:\S{{1,200}}[ \t]{{1,20}}){{0,20}}--(?:global|system)\b
      )
    | \bcore\.hooksPath\b
    | \b(?:docker|podman)\b[^`\n]{{0,200}}\s
        (?:--privileged\b | --(?:pid|net(?:work)?|ipc|userns|uts)[=\s]\s{{0,9}}host\b)
    | \b(?:docker|podman)\s{{1,9}}{FLAGS}(?:system|volume|image|container|builder)\s{{1,9}}prune\b
    | \b(?:docker|podman)\s{{1,9}}{FLAGS}volume\s{{1,9}}rm\b
    | \b(?:terraform|tofu)\s{{1,9}}{FLAGS}(?:destroy\b | apply\b{REST}\s--?destroy\b)
    | \bpulumi\s{{1,9}}{FLAGS}(?:destroy|down)\b
    | \bkubectl\s{{1,9}}{FLAGS}(?:delete\b | replace\b{REST}\s--force\b)
    | \bhelm\s{{1,9}}{FLAGS}(?:uninstall|delete)\b
    | \baws\s{{1,9}}{FLAGS}s3\s{{1,9}}(?:rm|rb)\b
    | \b(?:DROP|TRUNCATE)\s{{1,9}}(?:TABLE|DATABASE|SCHEMA)\b | \bdropdb\b
    | \bredis-cli\b{REST}\sFLUSH(?:ALL|DB)\b
    # in small letters it is a sentence ("delete from the list") unless it goes on as a statement does
    | (?-i:\bDELETE\s{{1,9}}FROM\s{{1,9}}[\w\"`\[])
    | \bdelete\s{{1,9}}from\s{{1,9}}[\w.\"`\[\]]{{1,100}}(?:\s{{1,9}}where\b | \s{{0,9}};)
    | \bsudo\b | \bdoas\s | (?-i:\bsu\s{REST}(?<=\s)-c\b)
    # the two may stand apart, in any order, and behind what is deleted
    | (?<![\w-])rm\s(?={REST}(?<=\s)(?:-[a-z]{{0,80}}r|--r))(?={REST}(?<=\s)(?:-[a-z]{{0,80}}f|--f))
        [^`\n;|&]{{1,80}}
    | \bfind\s(?:[^`\n;|]|\\;){{0,300}}?\s(?:-delete\b | -exec(?:dir)?\s{{1,9}}rm\b)
    | \bRemove-Item\b{REST}\s-Recurse\b | \b(?:rd|rmdir|del|erase)\s{{1,9}}(?:/\w\s{{1,9}}){{0,5}}/s\b
    | \bchown\b{REST}\s(?:(?-i:-\w{{0,9}}R)|--recursive\b)
    | \bdd\s{REST}\bof=[\"']?/dev/ | \bmkfs(?:\.\w{{1,9}})?\s | \bshred\s+[-/.~\w]
    | \bgh\s{{1,9}}{FLAGS}(?:repo|release)\s{{1,9}}delete\b
    | \bkill\s{{1,9}}(?:-[sn]\s{{0,9}}|--signal[=\s]\s{{0,9}}|-)(?:9|(?:SIG)?KILL)\b | \bpkill\b | \bkillall\b
    | {DESTROYS} | {UNLOCKS}
    """,  # noqa: S608 - it looks for statements, and makes none
    re.VERBOSE | re.IGNORECASE,
)
"""What destroys work or lifts a guard when done in the wrong place, however often it went well."""

_LOCAL = (
    r"(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|[\w-]{1,63}\.local(?:host)?)"
    r"(?![\w.-])(?![^\s/?\#]{0,3000}@)"
)
"""This machine as the host of an address; before an `@` it is only a user's name."""
_HERE = rf"(?:(?:https?|wss?|ftp)://)?{_LOCAL}(?::[\w$<>{{}}]{{1,40}})?(?=[\s/?\#\"'`;|&)]|[.,](?:\s|$)|$)"
"""The beginning of an address of this machine."""
_ENDS = r"(?=[\s;|&)`,.]|\\\n|$)"
_ADDRESS = rf"""(?:
    \"{_HERE}[^\"\n]{{0,1000}}\"{_ENDS} | '{_HERE}[^'\n]{{0,1000}}'{_ENDS}
  | {_HERE}[^\s\"'`;|&)]{{0,1000}}{_ENDS}
)"""
_VALUE = r"(?:\"(?:[^\"\\]|\\.){0,2000}\" | '[^']{0,2000}' | [^\s\"'`;|&<>]{1,300})"
_BLANK = r"(?>(?:[ \t]|\\\n){1,99})"


def _local_call(flags: str, takes: str, long: str) -> str:
    """Words after a program that fetch from this machine and from no other: an address of it, and options
    that are known. `flags` and `takes` are the letters without a value and with one, `long` whole names. What
    is not known (a proxy, a file of addresses, a second address) makes it no local call."""
    option = rf"""(?>
        (?-i:-[{flags}]{{0,10}}[{takes}])(?:{_BLANK}?{_VALUE}){_ENDS}
      | (?-i:-[{flags}]{{1,10}}){_ENDS}
      | --(?:{long})(?:={_VALUE}|{_BLANK}{_VALUE}){_ENDS}
      | (?-i:-n[vcdHp]{{1,5}}){_ENDS}
      | --[a-z][\w-]{{0,40}}+(?={_BLANK}(?:[\"']?{_HERE}|-)|[ \t]{{0,99}}(?:[\n`;|&>]|$))
      | [\d&]?(?:>>?|<)[ \t]{{0,9}}&?[\w./~$-]{{1,300}}{_ENDS} | <<-?["']?\w{{1,40}}["']?{_ENDS}
      | \d{{1,5}}{_ENDS}
    )"""
    word = r"(?>[^\W\d_]{1,40}[.,:!?]?)(?=[\s`)]|$)"  # of the sentence around it
    return rf"""(?:{option}{_BLANK}){{0,60}}+{_ADDRESS}(?:{_BLANK}(?>{option}|{_ADDRESS}|{word})){{0,60}}+
        (?:[ \t]{{0,99}}+(?:[\n`;|&,.()]|$)|[ \t]{{1,99}}+[\#\n—–])"""


_CURL = _local_call(
    "sSLkfivgGIONqRJjlna0123456#",
    "XHdomwubcAFTerCDyYzE",
    "request|header|data(?:-ascii|-binary|-raw|-urlencode)?|json|form(?:-string)?|output(?:-dir)?|max-time"
    "|connect-timeout|write-out|user|cookie(?:-jar)?|user-agent|referer|retry(?:-delay|-max-time)?|cacert|cert"
    "|key|upload-file|limit-rate|url-query|range",
)
_WGET = _local_call(
    "qvScNrbkKEpmxd46",
    "OoaPtTwUQlAR",
    "output-(?:document|file)|directory-prefix|tries|timeout|wait|user-agent|header|post-(?:data|file)"
    "|body-(?:data|file)|method|user|password",
)

OUT = re.compile(
    rf"""
      \b(?:https?|wss?|s?ftp|ftps|ssh|git|rsync|s3|gs|smb|ldaps?|tftp)://(?!{_LOCAL})[^\s`"'<>]+
    | \bgit@[\w.-]+:
    | \b(?:scp|sftp|ftp|lftp|mosh|aria2c|ssh|ssh-copy-id|sshfs|telnet|nc|ncat|netcat)\s+
        (?!-h\b|--help\b|(?-i:-V\b))\S
    | /dev/(?:tcp|udp)/(?!{_LOCAL})\w
    | \b(?:npm|pnpm|yarn|bun|cargo|poetry|uv)\s{{1,9}}{FLAGS}publish\b | \btwine\s{{1,9}}{FLAGS}upload\b
    | \b(?:docker|podman)\s{{1,9}}{FLAGS}(?:image\s{{1,9}})?push\b
    | \brsync\b[^\n]{{0,300}}\s[\w.@-]+:
    | \bopenssl\s+s_client\b | \bsocat\s | \bnslookup\s | \bdig\s+[@\w$]
    | \bcurl(?:\.exe)?\s(?!\s{{0,9}}{_CURL})
    | \bwget(?:\.exe)?\s(?!\s{{0,9}}{_WGET})
    | \b(?:iwr|irm|Invoke-WebRequest|Invoke-RestMethod)\s{{1,9}}
        (?!(?:-(?:Uri|UseBasicParsing|Method\s{{1,9}}\w{{1,9}})\s{{1,9}}){{0,5}}{_ADDRESS}(?!{REST}-Proxy))[\w\"'$(-]
    | \bgit(?:\.exe)?\s{{1,9}}{FLAGS}(?:
          # host:path is another machine; further on in a push or fetch a:b are two names of one branch
          (?:clone|ls-remote|submodule\s{{1,9}}add|remote\s{{1,9}}(?:add|set-url))\b{REST}\s
        | (?:push|pull|fetch)\s{{1,9}}(?:-\S{{1,300}}\s{{1,9}}){{0,20}}
      )[\"']?(?!{_LOCAL})[\w.@${{}}-]{{2,100}}:(?!//)[^\s:]
    | \brclone\s{{1,9}}{FLAGS}(?:copy|copyto|sync|bisync|move|moveto|rcat|mount|serve)\b
    | \baws\s{{1,9}}{FLAGS}s3(?:api)?\s{{1,9}}(?:cp|mv|sync|presign|put-object|get-object)\b
    | \bgh\s{{1,9}}{FLAGS}gist\s{{1,9}}(?:create|edit)\b
    | (?:--|\.)(?:extra-)?index-url\b | --registry\b | \bgit\+https?:
    | \b(?:npm|pnpm|yarn|bun)\s{{1,9}}(?:config\s{{1,9}}|c\s{{1,9}})?{FLAGS}set\s{{1,9}}{FLAGS}
        [\"']?(?:@[\w-]{{1,100}}:)?registry[\s=]{{1,9}}(?!{_ADDRESS})\S
    | \bpip3?\s{{1,9}}{FLAGS}(?:install|download|wheel)\b{REST}\s(?-i:-[qvU]{{0,5}}i)[=\s\"'\w]
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What makes an agent reach another machine; a command whose addresses are of this machine doesn't count, nor
does a package manager with its usual registry."""
