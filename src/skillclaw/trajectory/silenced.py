"""Calls that make a failure silent instead of mending it: a check that is left out, or whose end counts for
nothing. Pure."""

from __future__ import annotations

import re
from itertools import pairwise

from skillclaw.trajectory.failures import error_template
from skillclaw.trajectory.flow import Act
from skillclaw.trajectory.shell import Simple, parse

__all__ = ["silences"]

_OPTION = re.compile(
    r"--(?:exit-zero|exit-code=0|no-fail(?:-[\w-]+)?|allow-fail(?:ure|ures)?|fail-never|continue-on-error|"
    r"passWithNoTests|pass-with-no-tests|allow-empty-tests|no-verify(?:-[\w-]+)?|skip-verify|skip-validation|"
    r"no-validate|no-hooks?|skip-hooks?|no-?checks?|skip-?checks?|no-?tests?|skip-?tests?|no-lint|skip-lint|"
    r"deselect(?:=.*)?|insecure(?:-[\w-]+)?|no-check-certificate|no-gpg-check|allow-unauthenticated)|"
    r"-D(?:skipTests|skipITs|maven\.test\.skip|maven\.test\.failure\.ignore|checkstyle\.skip|"
    r"enforcer\.skip)(?:=true)?|-?-lock=false|"
    r"(?:-c|-o)?(?:http\.sslVerify=false|StrictHostKeyChecking=(?:no|off)|core\.hooksPath=\S*)",
    re.I,
)
"""Words of a call that leave a check out, whatever the program."""

_OF_PROGRAM = (
    (
        re.compile(r"(?:py\.?test|ruff|flake8|pylint|mypy|eslint|tsc|stylelint|bandit|semgrep)\Z"),
        re.compile(
            r"--(?:(?:extend-)?(?:ignore|exclude)(?:-(?:glob|path|pattern))?|disable|max-warnings|add-noqa)(?:=.*)?"
        ),
    ),
    (re.compile(r"curl\Z"), re.compile(r"-[A-Za-jl-z]*k[A-Za-z]*")),
    (re.compile(r"(?:mvn|mvnw)\Z"), re.compile(r"-fn")),
    (re.compile(r"cargo\Z"), re.compile(r"--(?:skip|exclude)(?:=.*)?")),
    (re.compile(r"go\Z"), re.compile(r"-skip(?:=.*)?")),
)
"""The same of some programs, where others mean something else by it."""

_PAIRS = (
    (
        re.compile(r"(?:gradle|gradlew)\Z"),
        re.compile(r"-x|--exclude-task"),
        re.compile(r"test|check|lint\w*"),
    ),
    (re.compile(r"py\.?test\Z"), re.compile(r"-k|-m"), re.compile(r"[\"']?not\b.*")),
    (re.compile(r"git\Z"), re.compile(r"commit"), re.compile(r"-[am]*n[am]*")),
)
"""Of some programs two words that follow each other."""

_SETTING = re.compile(
    r"HUSKY=0|CI=false|NODE_TLS_REJECT_UNAUTHORIZED=0|"
    r"PYTHONHTTPSVERIFY=0|GIT_SSL_NO_VERIFY=.+|DISABLE_(?:ESLINT|LINT)\w*=.+"
)
_NAME = re.compile(r"\w+")
_NOTHING = frozenset({"true", ":", "echo"})
"""Commands that end well, whatever was before them."""
_PASSES_ON = frozenset({("exit",), ("exit", "$?"), ("done",), ("fi",), ("}",)})
"""Calls behind which a line ends as it did before them."""
READ = 4000
"""Characters of a result in which that is looked for."""
TELLING = 2
"""Words of an error from which on its being there again is no chance."""


def silences(failed: Act, later: Act) -> bool:
    """Whether a call that ended well only kept the failure of another from being told: it leaves out a check
    that the other made, throws away how it ends, or shows the same failure still."""
    if failed.command is None or later.command is None:
        return False
    before, after = parse(failed.command), parse(later.command)
    if _left_out(after) - _left_out(before):
        return True
    return (_unheard(after, before) and not _unheard(before, before)) or _shows_again(failed, later)


def _left_out(calls: list[Simple]) -> set[str]:
    """What in these calls makes a check silent."""
    found: set[str] = set()
    for call in calls:
        program = call.words[0].rsplit("/", 1)[-1] if call.words else ""
        found |= {one for one in (*call.env, *call.words) if _is_setting(one)}
        found |= {word for word in call.words[1:] if _OPTION.fullmatch(word)}
        for known, option in _OF_PROGRAM:
            runs = [one for one in call.words if known.match(one.rsplit("/", 1)[-1])]
            found |= {word for word in call.words[1:] if runs and option.fullmatch(word)}
        for known, first, second in _PAIRS:
            found |= {
                f"{one} {two}"
                for one, two in pairwise(call.words)
                if known.match(program) and first.fullmatch(one) and second.fullmatch(two)
            }
    return found


def _is_setting(word: str) -> bool:
    """Whether a word sets what leaves a check out; `SKIP` may be any part of the name."""
    name, _, value = word.partition("=")
    return bool(_SETTING.fullmatch(word) or (value and _NAME.fullmatch(name) and "SKIP" in name.split("_")))


def _unheard(calls: list[Simple], failed: list[Simple]) -> bool:
    """Whether a line ends well however the call in it ends that is most like those that failed: that one is
    guarded by the line's end (`|| true`), or the line closes with `; true`."""
    if len(calls) > 1 and calls[-1].op == ";" and _ends_well(calls[-1]) and calls[-1].words[0] != "echo":
        return True
    end = len(calls)
    while end and (_ends_well(calls[end - 1]) or calls[end - 1].words in _PASSES_ON):
        end -= 1
    words = {word for call in failed for word in _names(call)}
    # Of two that are as like, the later one: its end is nearer to that of the line.
    tried = max(range(end), key=lambda place: (len(words & _names(calls[place])), place), default=end)
    return any(
        calls[place].op == "||" and _ends_well(calls[place]) and _chain(calls, place) <= tried
        for place in range(end, len(calls))
    )


def _ends_well(call: Simple) -> bool:
    """Whether a call says nothing of how the one before it ended: `exit 0`, but not `exit 1` or `exit $?`."""
    return call.words == ("exit", "0") or (bool(call.words) and call.words[0].rsplit("/", 1)[-1] in _NOTHING)


def _chain(calls: list[Simple], place: int) -> int:
    """Where the calls begin that `&&`, `||` and pipes join to the one at `place`."""
    while place and calls[place].op in ("&&", "||", "|"):
        place -= 1
    return place


def _names(call: Simple) -> set[str]:
    return {word.rsplit("/", 1)[-1] for word in call.words if not word.startswith("-")}


def _shows_again(failed: Act, later: Act) -> bool:
    """Whether the line that tells the failure stands in both results, word by word: of other numbers
    something was mended."""
    told = error_template(failed.result)
    if len(re.findall(r"[A-Za-z]{2,}", told)) < TELLING or told != error_template(later.result):
        return False
    return bool(_telling(failed.result, told) & _telling(later.result, told))


def _telling(result: str, told: str) -> set[str]:
    lines = {line.strip() for line in result[:READ].splitlines()}
    return {line for line in lines if line and error_template(line) == told}
