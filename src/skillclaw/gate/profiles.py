"""The files that a shell runs as it starts, where text is sent to, as a pattern for `gate.rules`."""

from __future__ import annotations

__all__ = ["PROFILES"]

_NOTHING = r"(?:[\"'\\]|\$(?:[@*!\d]|\{\w{1,40}\})){0,3}"
"""What a shell takes away between the letters of a name: marks, and names in it that stand for nothing."""
_ENDS = r"(?:\$(?:\w{1,80}|\{[^}\s]{1,80}\}|\([^)\n]{0,80}\))){0,9}+(?![\w/-]|\.\w|\\(?![\s\"'`]|[nrt]\b))"
"""The end of the file's name, though names that stand for nothing come behind it."""


def _spelt(*names: str) -> str:
    return f"(?:{'|'.join(_NOTHING.join(name) for name in names)})"


_HOME = _spelt(
    *("bashrc", "bash_profile", "bash_login", "bash_logout", "bash_aliases", "profile"),
    *("zshrc", "zshenv", "zprofile", "zlogin", "zlogout", "kshrc", "mkshrc", "cshrc", "tcshrc"),
    *("xprofile", "xsessionrc", "xinitrc"),
)
_UNSET = r"[\"']?(?:~|\$HOME|\$\{HOME\})[\"']?/{1,9}(?:\$\w{1,40}){1,3}"
"""At the begin of a name right below the home; in other folders `$HOST.profile` is anybody's file."""
PROFILES = (
    rf"(?:(?:[^\s>]{{0,300}}(?<![\w.-])|{_UNSET})\.(?!\\){_NOTHING}{_HOME}{_ENDS}|[^\s>]{{0,300}}(?<![\w.-])\.bashrc\.d/"
    rf"|[^\s>]{{0,300}}fish/(?:config\.fish{_ENDS}|conf\.d/)"
    # a folder `etc` of a project is none of the machine's
    r"|[\"']?(?:[^\s>]{0,300}(?:\.\.|/\.))?/{1,9}etc/(?:(?:profile|bash\.bashrc|bashrc|environment)"
    rf"{_ENDS}|(?:profile|environment)\.d/|zsh/)"
    # PowerShell's own; in other letters, or as a part of a path, it is anybody's variable
    rf"|[\"']?(?-i:\$PROFILE)(?:\.(?:AllUsers|CurrentUser)\w{{1,20}})?{_ENDS})"
)
