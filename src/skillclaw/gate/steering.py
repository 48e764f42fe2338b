"""Sentences that steer an agent: which kinds there are, and the words by which evidence may speak for one.

The kinds are those of behaviour manipulation in skills in the wild (research on malicious skills). Some no
evidence excuses: nobody's sessions can make an agent take another role, put one skill above all, or rewrite
skills. The others (asking nobody, keeping silent, writing to somebody, preferring a vendor) may be a group's
own habit; then its people say so themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from skillclaw.skills.text import prose
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.model import Record

__all__ = ["Steering", "beginnings", "directs", "sentences", "steerings", "telling"]


class Steering(Record, frozen=True, kw_only=True):
    """A stretch of text that steers: what it does, the text, whether evidence may speak for it; and `never`:
    it is refused whoever wrote it, since no skill needs to say so."""

    what: str
    text: str
    excusable: bool
    never: bool = False


_WHO = r"(?:the |your |a |any |an )?(?:user|human|person|operator|owner|customer|team|reviewer)s?"
_NEVER: tuple[tuple[str, str], ...] = (
    (
        "gives the agent another role",
        r"\byou(?: are|['’]re) (?:now )?(?:an?|the|no longer|not) (?:[\w-]+ ){0,2}"
        r"(?:assistant|agent|expert|administrators?|admin|bot|system|model|persona|character|hacker|ai"
        r"|engineer)\b"
        r"|\b(?:act|behave|respond|speak|pose) as (?:if you (?:are|were) )?(?:an?|the|my|our)\b(?!"
        r" (?:last|first))"
        r"|\b(?:pretend|role-?play|impersonate)\b"
        r"|\bas (?:the|an?) (?:system )?(?:administrator|admin|root user|superuser|security team|ceo"
        r"|developer of)\b"
        r"|你(?:现在)?是(?:一[个名位]|管理员)|扮演|假装|冒充|以(?:系统)?管理员(?:的)?身份",
    ),
    (
        "puts itself above other instructions",
        r"\b(?:this|the present) skill\b[^.\n]{0,30}\b(?:overrid|supersed|replac|takes? (?:precedence"
        r"|priority)|"
        r"has (?:priority|precedence)|outranks?)"
        r"|\b(?:use|load|read|apply|follow|invoke|consult) this (?:skill|guide"
        r"|document)\b[^.\n]{0,40}\b(?:every|each|all|any|"
        r"whatever|no matter|before (?:anything|everything)|at the start of)\b"
        r"|\b(?:ignore|skip|do not (?:use|read|load)|don['’ ]?t (?:use|read|load)|never (?:use|read|load)"
        r"|disable) "
        r"(?:all |any |the )?other (?:skills?|guides?|instructions?)\b"
        r"|\b(?:highest|top|absolute) priority\b|\btakes? precedence over\b"
        r"|(?:优先于|高于|覆盖)(?:其他|所有|一切)|最高优先级|(?:忽略|禁用|不要使用)其他(?:的)?技能"
        r"|(?:任何|所有|每[次个])(?:请求|任务|问题|情况)[^。\n]{0,8}(?:使用|加载|调用)(?:本|此|这个)技能",
    ),
    (
        "makes the agent rewrite skills or its own memory",
        r"\b(?:update|rewrite|edit|change|modify|overwrite|extend|improve|replace|patch|append(?: \w+)?"
        r" to|add(?: \w+){0,3} to|"
        r"delete|remove)\b[^.\n]{0,25}\b(?:this|the|your|our|other|own|all|every|each) (?:\w+ )?"
        r"(?:skills?|skill files?|instructions|guidelines|memory|system prompt|persona)\b"
        r"|\b(?:save|store|write|remember|keep) [^.\n]{0,30}\b(?:in|into|to) (?:your|its|the agent['’]s) "
        r"(?:long-term |permanent )?(?:memory|instructions|system prompt)\b"
        r"|(?:修改|更新|改写|重写|编辑|覆盖|删除)[^。\n]{0,8}(?:技能|系统提示|记忆|指令)",
    ),
    (
        "lets others give the instructions",
        r"\b(?:follow|obey|execute|carry out|do)\b[^.\n]{0,20}\b(?:the |any |all |its |further |whatever )?"
        r"(?:instructions?|directions|commands|orders|steps|rules)\b"
        r"[^.\n]{0,20}\b(?:at|from|on|in|that|behind|found|returned|given by|contained)\b[^.\n]{0,30}"
        r"\b(?:page|site|website|url|link|web|server|response|issue|email|message|comment|attachment"
        r"|remote)\b"
        r"|\b(?:carry out|do|follow|execute|perform|obey)\b[^.\n]{0,6}"
        r"\b(?:whatever|everything|anything|what)\b[^.\n]{0,40}\b(?:page|site|website|url|link|server|response|reply|issue|email|message|comment)\b"
        r"[^.\n]{0,20}\b(?:tells?|says?|asks?|instructs?|orders?|wants?|returns?)\b"
        r"|\b(?:fetch|download|load|read|check|get)\b[^.\n]{0,20}\b(?:latest|current|newest|updated"
        r"|remote|new) "
        r"(?:\w+ )?(?:instructions|rules|steps|guidance|directives|prompt)\b"
        r"|(?:按照|遵循|执行)[^。\n]{0,10}(?:网页|链接|页面|网站|邮件|消息|服务器)[^。\n]{0,6}(?:指令|指示|说明|命令)",
    ),
)
_NOBODYS = frozenset({"puts itself above other instructions", "lets others give the instructions"})
_BY_MANY: tuple[tuple[str, str], ...] = (
    (
        "keeps the agent from asking",
        rf"\b(?:do not|don['’ ]?t|never|no need to|need not|without|instead"
        rf" of)\b[^.\n]{{0,12}}\b(?:ask(?:ing)?|confirm(?:ing)?|"
        rf"check(?:ing)? with|consult(?:ing)?|wait(?:ing)? for)\b(?: (?:for|{_WHO}|approval|permission"
        rf"|confirmation|first|again|"
        r"before|back|any|questions?|me|us)\b|[.,;:]|$)"
        r"|\bwithout (?:any |further |prior )?(?:confirmation|approval|permission|consent|review)\b"
        r"|\b(?:skip|bypass|omit|assume|pre-?approve|auto-?approve)\b[^.\n]{0,15}\b(?:confirmations?"
        r"|approvals?|permissions?|consent|"
        r"reviews?|code reviews?|questions)\b"
        r"|(?:无需|不要|不必|不用|别)(?:再)?(?:询问|确认|请示|征求|问)|跳过(?:确认|审批|审核|评审)|自动(?:批准|同意|确认)",
    ),
    (
        "makes the agent keep silent",
        r"\b(?:do not|don['’ ]?t|never|without)\b[^.\n]{0,12}\b(?:report(?:ing)?|mention(?:ing)?"
        r"|disclos(?:e|ing)|warn(?:ing)?|"
        r"tell(?:ing)?|log(?:ging)?|reveal(?:ing)?|explain(?:ing)? to)\b"
        r"|\b(?:suppress|conceal|hide|silence)\b"
        r"|(?:不要|切勿|别)(?:提及|告诉|告知|报告|透露|说明|记录)|隐瞒|隐藏",
    ),
    (
        "sends the agent to somebody",
        r"\b(?:contact|notify|inform|alert|bcc|cc|copy in)\b (?!sheet)(?!details?)(?!form)(?!list)\w"
        r"|\b(?:forward|report|send|mail|post|submit) (?:it|them|this|these|everything|all|a copy|copies"
        r"|the (?:results?|answer|data|logs?|"
        r"output|details|report|file|contents?))\b[^.\n]{0,20}\bto\b"
        r"|联系|抄送|转发给|(?:发送|上报|报告|提交)(?:给|到|至)",
    ),
    (
        "makes the agent prefer something",
        r"\b(?:prefer|recommend|promote|advertise|endorse|favou?r|praise|steer|mention)\b (?!not)\w"
        r"|\b(?:our|my|partner['’]?s?|sponsor(?:ed)?['’]?s?) (?:\w+ )?(?:products?|services?|tools?"
        r"|newsletter|website|shop|store|app|platform|"
        r"company|brand|affiliate)\b"
        r"|推荐|优先(?:使用|选择|考虑)|宣传|推广",
    ),
)
_KINDS = tuple(
    (what, excusable, re.compile(pattern, re.IGNORECASE))
    for excusable, table in ((False, _NEVER), (True, _BY_MANY))
    for what, pattern in table
)

_DIRECTS = re.compile(
    r"\b(?:always|never|must(?: not)?|should(?: not)?|shall|from now on|henceforth|going forward|in"
    r" (?:every|all) cases?"
    r"|no matter|under no circumstances|at all times|make sure|ensure|remember to|be sure to|refrain"
    r"|insist|only ever"
    r"|it is (?:important|essential|mandatory|required)|tell (?:the )?(?:user|customer|people)s?|answer"
    r" (?:that|with)"
    r"|say that|reply that|respond with|claim|pretend|recommend|prefer)\b"
    r"|总是|始终|永远|务必|必须|应当|应该|绝不|切勿|不得|禁止|从现在(?:起|开始)|今后|每次|一律|优先|确保|记得",
    re.IGNORECASE,
)
_FRAMES = re.compile(
    r"\b(?:do not|don['’ ]?t|avoid|instead of|(?:before|after|whenever|when|if|each time|every time)(?:"
    r" the)? "
    r"(?:you|users?|someone|anyone|somebody|anybody|people|a user|customers?))\b"
    r"|不要|每当|当用户|如果用户|回答(?:之)?前|回复(?:之)?前",
    re.IGNORECASE,
)
"""What directs in a line, and only says when in a condition or a description."""
_ENDS = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n+")
_CJK = re.compile(r"[\u3400-\u9fff]")

_HOW_TEXT = """
able accept according act actually add additional advice alone along already although always amount another
answer appear apply aren't around ask avoid back bad based begin begins belong better bring can't careful case
cases cause change changes check choose clear come common complete condition confirm contain continue copy
correct create current date dates decide default depend describe didn't different direct directly doesn't
don't done else end ends enough ensure enter error even exact exactly example exist expect expected explain
fact find finish five follow following form found four full general gets given goes going gone good got guess
hand handle happen held help hold home idea important include instead isn't it's keep keeps kept kind know
known large later lead least leave left less lets line list listed look looking lose lost main making match
matter mean means meet mention met mind miss missing mistake mix move name named never note nothing nowhere
number often open order original part particular pass people person place plain point possible prefer present
previous problem proceed proper provide put question read ready real really reason refuse remember remove
repeat reply report respond return right rule safe same say says second see seem seen sense separate set
several short similar simple simply single situation small somebody someone something somewhere sort specific
stand start state stay still stop such sure taken taking tell tend tends third three time times took total try
turn two understand unless using usual usually valid various verify wait wasn't went whatever whenever whether
whole won't word work write written wrong yet zero
"""
_HOW = frozenset(_HOW_TEXT.split())
"""Words of any advice: they neither need evidence nor are any."""
_HOW_CJK = frozenset("的了在是和与或及先再后前时请要会能可中上下不这那其此个次把被对用来去做")
BEGINNING = 5
"""Letters by which words count as forms of one, as `skills.retrieval` has it."""


def sentences(text: str) -> list[str]:
    """The sentences of a line, code spans and quotations as they stand."""
    return [part.strip() for part in _ENDS.split(text) if part.strip()]


def directs(sentence: str, *, condition: bool = False) -> bool:
    """Whether a sentence tells an agent how to behave, beyond what to run; `condition`: it is one of those
    that say when a skill is for."""
    words = prose(sentence)
    return _DIRECTS.search(words) is not None or (not condition and _FRAMES.search(words) is not None)


def steerings(text: str) -> Iterator[Steering]:
    """Each kind of steering in the prose of `text`, once."""
    words = " ".join(prose(text).split())
    for what, excusable, pattern in _KINDS:
        found = pattern.search(words)
        if found:
            stretch = " ".join(found[0].split())[:80]
            yield Steering(what=what, text=stretch, excusable=excusable, never=what in _NOBODYS)


def telling(text: str) -> list[str]:
    """The words of the prose of `text` that say what it is about, in order, each once; Chinese as pairs of
    characters."""
    return list(dict.fromkeys(word for word in _words(prose(text)) if word not in _HOW))


def beginnings(texts: list[str]) -> frozenset[str]:
    """How the words of `texts` begin, code and all; a telling word is looked up by `word[:BEGINNING]`."""
    return frozenset(word[:BEGINNING] for text in texts for word in _words(text))


def _words(text: str) -> Iterator[str]:
    for word in content_words(text.replace("_", " ")):
        if not _CJK.search(word):
            yield word
            continue
        run = [char for char in word if _CJK.match(char)]
        for first, second in pairwise(run):
            if first not in _HOW_CJK and second not in _HOW_CJK:
                yield first + second
