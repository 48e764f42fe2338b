"""What runs the code that comes in by a pipe, as a pattern for `gate.rules`.

A shell does, whatever stands behind it. An interpreter that is given a script, a module, code in quotation
marks or a subcommand reads data from the pipe, and does not run it. What is not known to be so counts as
running it.
"""

# ruff: noqa: E501  (one sort of words a line reads best)

from __future__ import annotations

__all__ = ["BY_ENV", "IN_FOLDER", "piped"]

IN_FOLDER = r"(?:(?<!/)/++(?:[^\s/]{1,100}+/++){1,200})?"
"""The folder of a program; a row of slashes is looked at once."""
BY_ENV = r"(?:(?:/(?:usr/)?bin/)?env[ \t]+(?:(?:-\w{1,20}|\w{1,40}=\S{0,100})[ \t]+){0,5})?"
_BEFORE = rf"(?:sudo[ \t]+(?:-\w{{1,20}}[ \t]+){{0,9}})?{BY_ENV}{IN_FOLDER}"
_PYTHON = r"(?:(?:uv[ \t]+run[ \t]+(?:-q[ \t]+)?)?(?:python|pypy)[\d.]*)"
_OTHER = (
    r"(?:perl|ruby|php|node(?:js)?|bun|deno|lua(?:jit|[\d.]+)?|tclsh|expect|Rscript|julia|elixir|groovy|raku|guile|tsx"
    r"|ts-node|(?:uv|go|dart|npx)[ \t]+(?:run|tsx)(?![ \t]+(?:-q[ \t]+)?(?:python|pypy)))"
)
_PLAIN = (
    r"(?:[ \t]+(?:(?-i:-[uBsSOEbqvA]{1,5}|-[rMI][\w:=,./+-]{1,80}|-F\S{1,9}|-0\d{0,4})|--allow-(?:all|net|env|run|sys|read|write|import)"
    r"(?:=\S{1,200})?|--(?:vanilla|quiet|slave|no-check|no-warnings)|--[\w-]{1,40}=\S{1,200})(?=[ \t])){0,9}+"
)
"""Options that take no word behind them, which could pass for a script, and behind which the pipe is not code."""
_STDIN = r"(?!\S{0,300}(?:dev/(?:stdin|fd)|proc/))"
_FILE = rf"[\"']?(?!-){_STDIN}(?:\S{{0,200}}/)?(?<!//)[\w.@+$-]{{1,80}}\.(?!\.)\w{{1,5}}(?![\w/:*?{{%-])"
_SCRIPT = rf"(?![\"']?\w{{1,20}}://){_FILE}(?![\"']?[ \t]+(?:shell(?:_?plus)?|dbshell|console|repl|tinker)\b)"
"""A file that is no option with a dot in its value; a program's own shell runs what comes in."""
_REPLS = r"(?:code|asyncio|i?python|ptpython|bpython|runpy|pdb|idlelib|xonsh|pip|trace|cProfile|profile|coverage|timeit|doctest|flask|django)"
_MODULE = rf"(?-i:-[uBsSOEIbq]{{0,5}}m)[ \t]*(?!{_REPLS}\b){_STDIN}\w[\w.]{{0,80}}"
"""A module that does not itself run what it reads."""
_RUNS = (
    r"(?:(?:import|from)[ \t]+(?:[\w.]{1,40}(?:[ \t]+as[ \t]+\w{1,40})?[ \t]*,[ \t]*){0,9}(?:code|timeit|cProfile|profile|[bp]db|doctest|trace)\b|exec|eval|system|popen|spawn|fork|subprocess|compile|__|importlib|import[ \t]*\(|runpy|\bpty\b|child_process|(?-i:Function)"
    r"|constructor|\bvm\b|getattr|globals|pickle|marshal|unsafe_load|yaml\.load\b|\bqx\b|\bee\b|/[a-z]{0,5}ee|\binclude"
    r"|\bsource\b|\bparse[ \t]*\([ \t]*(?:text|file)|dofile|loadstring|(?<![\w.])(?:load|do)[ \t]*[(\\\"'$<]"
    r"|require[ \t]*\(?[ \t]*[\"'\\]{0,4}(?:/|php:)|base64|fromCharCode|\\x|\bchr\b|\$\(|`)"
)
_CODE = rf"(?:\"(?:(?!{_RUNS})(?:[^\"\\]|\\.)){{0,1500}}+\"|'(?:(?!{_RUNS})[^']){{0,1500}}+')"
"""Code in quotation marks that runs no other code."""
_ALONE = r"(?![ \t]+-(?:\w{0,9}[ceipr]\b|-(?:inter|eval|print|require|import)))"
_OWN_PYTHON = rf"{_PLAIN}[ \t]+(?:{_MODULE}|(?-i:-[uBsSOEIbq]{{0,5}}c)[ \t]*{_CODE}|{_SCRIPT})"
_OWN_OTHER = (
    rf"(?:[ \t]+(?:run|eval))?{_PLAIN}[ \t]+(?:(?:(?-i:-[lnpaws0-9]{{0,9}}[eEr]|-p)|--(?:eval|print))[ \t]+{_CODE}{_ALONE}|{_SCRIPT})"
    rf"|(?<=deno)[ \t]+(?:(?:fmt|lint|check|test|bench|doc|task|types|info)\b|eval[ \t]+{_CODE})"
    r"|(?<=bun)[ \t]+(?:test\b|run[ \t]+[a-z][\w:-]{0,60}(?![\w:./-]))"
    r"|(?<=(?:go|rt) run)[ \t]+\.(?![\w.])"
)


def piped(shell: str) -> tuple[str, str]:
    """Patterns of what runs what comes in by a pipe, and of any program that could (for a command that also
    writes a file, which may then be its script); `shell` is the pattern of shells."""
    xargs = r"(?:xargs(?:\s+-\S{1,20}){0,5}\s+)?"
    always = rf"(?:{shell}|(?:sudo\s+)?(?:pwsh|powershell|osascript)\b|source\b|eval\b)"
    known = (
        rf"(?>{_BEFORE}{_PYTHON})(?![\w.-])(?!{_OWN_PYTHON})|(?>{_BEFORE}{_OTHER})(?![\w.-])(?!{_OWN_OTHER})"
    )
    by_argument = rf"xargs[^|\n]{{0,100}}?[ \t]{_BEFORE}(?:{_PYTHON}|{_OTHER})[ \t]+(?:-\w{{1,9}}[ \t]+){{0,5}}-[a-z]{{0,9}}[cer]\b"
    some = rf"{xargs}(?:{always}|{_BEFORE}(?:{_PYTHON}|{_OTHER})(?![\w.-]))"
    return rf"(?:{by_argument}|{xargs}(?:{always}|{known}))", some
