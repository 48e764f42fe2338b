"""Words of code in quotation marks by which it runs other code, as a pattern for `gate.piped`.

A name that is a key of much data (`code`, `profile`, `trace`) counts only where it is imported.
"""

# ruff: noqa: E501  (one sort of words a line reads best)

from __future__ import annotations

__all__ = ["IMPORTS", "RUNS"]

_MODULES = (
    r"(?:code|timeit|c?Profile|[biu]?pdb|bdb|pudb|idlelib|jupyter\w*|trace|doctest|IPython|ptpython|bpython|xonsh|builtins|ctypes|cffi|webbrowser|imp|zipimport|distutils"
    r"|setuptools|pip|shelve|dill|pydoc|pipes|commands|pexpect|sh|plumbum|invoke|fabric)"
)
_LISTED = r"(?:[\w.]{1,40}(?:[ \t]++as[ \t]++\w{1,40})?[ \t]*+,[ \t]*+){0,9}"
IMPORTS = rf"\b(?:import|from)[ \t\\]+{_LISTED}{_MODULES}\b"
"""In Python."""
RUNS = (
    r"(?:exec(?!ut)|os\.execute|(?<!literal_)eval(?!uat|_(?:count|duration|rate|time|id)\b)|(?:(?<![\"'\w])|:)system\b(?![\"']?\])|popen|spawn|\bfork[ \t]*+\(|subprocess|(?<!re\.)compile(?!d)"
    r"|__(?!typename|name__|version__|len__)|importlib|import[ \t]*+\(|runpy|\bpty\b|child_process|(?-i:Function)"
    r"|constructor|\bvm\b|getattr|globals|pickle|marshal|unsafe_load|yaml\.(?:load|unsafe)|torch\.load|sympify|jinja2|\bqx\b|\bee\b|/[a-z]{0,5}ee|(?<![\"'.\w])include(?:_once)?[ \t]*+[(\"'$<]"
    r"|\bsource[ \t]*+\(|\bparse[ \t]*+\([ \t]*+(?:text|file)|dofile|loadstring|(?<![\w.])(?:load|do)[ \t]*+(?:[(\\\"'$<]|(?-i:STDIN|ARGV))"
    r"|require[ \t]*+\(?[ \t]*+[\"'\\]{0,4}(?:/|php:)|fromCharCode|\\x[4-7]|\\u\{?0{0,4}[4-7]|\bchr\b(?!\((?:9|10|13|34|39)\))|globalThis\[|\$\(|`"
    # Python
    rf"|{IMPORTS}|\binteract\b|Interactive(?:Console|Interpreter)|breakpoint[ \t]*+\(|attrgetter|methodcaller"
    r"|\bvars[ \t]*+\(|logging\.config|load_(?:source|module)"
    # JavaScript
    r"|\brepl\b|\binspector\b|Deno\.(?:Command|run)|Bun\.\$|\bnew[ \t]++Worker|dlopen|\b_load\b|require[ \t]*+\((?![ \t]*+[\"'\\])"
    r"|require\b[^;\n)]{0,80}(?:dev/(?:stdin|fd)|proc/self|(?<=[^\s(\\])[\"'][ \t]*+[+.])"
    r"|\b(?:import|from)[ \t]*+[\"'\\]{1,2}[^\"'\n]{0,60}(?:dev/(?:stdin|fd)|proc/self)"
    # Perl, PHP
    r"|\bCPAN\b|\bopen\b[^;)\n]{0,60}(?:[\"'][ \t]*+\||\|[ \t]*+-?[\"'\\])|\bopen[ \t]*+\(?[ \t]*+(?:my[ \t]++)?[$\w\\]{1,20}[ \t]*+,[ \t]*+\\?[$<]"
    r"|require[ \t]*+[<$]|passthru|proc_open|create_function|call_user_func|\bassert[ \t]*+\([ \t]*+\$|\$\w{1,20}[ \t]*+\("
    # Ruby, Lua, R, Julia, Raku, Elixir
    r"|\birb\b|\bpry\b|\bERB\b|%x[{(\[<!]|\bsend[ \t]*+\(?[ \t]*+:|const_get|(?<![\w.])open[ \t]*+\(?[ \t]*+(?:STDIN|gets|ARGF)\b"
    r"|loadfile|debug\.debug|(?<![\w.])pipe[ \t]*+\(|\bCmd[ \t]*+\(|(?<![\w.$@-])shell(?:[ \t]*+\(|[ \t]++(?:[\"'\\$]|get\b|slurp|lines))|os\.cmd)"
)
