"""What the agent's last words claim, and what a request asks for, in English and Chinese."""

from __future__ import annotations

import re

__all__ = ["asks_for_change", "claim"]

HEAD = 600
"""Characters of an answer that are read, from its beginning and from its end."""

_LIMIT = re.compile(
    r"\b(?:iteration|step|turn|time|recursion) limit\b|maximum (?:number of )?(?:iterations|steps|turns)|"
    r"max(?:imum)?_?(?:iterations|turns|steps)|context (?:window|length) (?:was |is )?exceeded|"
    r"prompt is too long|"
    r"token limit is exceeded",
    re.I,
)
_RAW_CALL = re.compile(
    r"^\W*(?:thought:.{0,300})?action\W*:?\s*\W*\{|^\W*\{\s*\"(?:action|name|tool|function|"
    r"tool_name)\"\s*:|"
    r"^\s*<(?:tool_call|function_call|invoke)\b",
    re.I | re.S,
)
_COULD_NOT = re.compile(
    r"\bi(?:'m| am| was)? (?:sorry|unable|not able)\b|\bunfortunately\b|\bapologi[sz]e|"
    r"\bi (?:can(?:no|')t|could(?: no|n')t|did(?: no|n')t find|do(?: no|n')t have)\b|\bunable to\b|"
    r"\bwas not able\b|"
    r"\bno results\b|抱歉|对不起|對不起|无法|無法|没能|沒能|没有找到|做不到",
    re.I,
)
_NOT_NEEDED = re.compile(
    r"\bno need\b|\bnot necessary\b|\bno (?:\w+ ){0,3}(?:is|was|were) (?:made|created|deleted|needed|"
    r"necessary|required)|"
    r"\bthere (?:are|were|is|was) no\b|\b(?:did|was|were|is|are|has|have|does|do)(?: not|n't) (?!able|"
    r"find|have)|"
    r"\bnot met\b|\balready\b|\b(?:has|have) no\b|不需要|无需|無需|没有必要|已经|已經|不存在",
    re.I,
)
_DONE = re.compile(
    r"\bsuccess(?:fully|ful)?\b|\b(?:has|have) been\b|\bwas (?:\w+ly )?\w+(?:ed|en|t)\b|\bcompleted\b|"
    r"\bdone\b|"
    r"\bfixed\b|\bi(?:'ve| have) \w+(?:ed|en|t)\b|\b(?:created|updated|deleted|sent|added|removed|"
    r"scheduled|renamed)\b|"
    r"已完成|已经|已經|完成了|成功|搞定|修好了|已[创创建更删刪修添發发]",
    re.I,
)
_CHANGE = re.compile(
    r"\b(?:plot|chart|delete|remove|cancel|send|forward|reply|book|schedule|move|rename|update|"
    r"reassign|assign|push|deploy|"
    r"install|uninstall|exchange|refund|pay|upgrade|postpone|invite|upload|publish|merge|commit|"
    r"return|reschedule|"
    r"get rid of|(?:make|create|add|open) (?:a|an|the|another) (?:\w+[ -]){0,3}(?:task|ticket|event|"
    r"meeting|issue|entry|"
    r"customer|user|account|order|reservation|branch|reminder)|change (?:the|my|all))\b|"
    r"删除|刪除|取消|发送|發送|转发|轉發|回复|回覆|预订|預訂|安排|移动|移動|重命名|更新|分配|新建|安装|安裝|部署|退货|退貨|退款|上传|上傳|发布|提交",
    re.I,
)
"""Changes of the world outside the answer; what words alone can give ("write a poem") is not among them."""


def claim(answer: str) -> str:
    """The rule name of what an answer claims; empty when it claims nothing that is known.

    The order matters: a broken-off run says nothing about the task, a refusal outweighs what else was done.
    """
    text = answer.strip().replace("’", "'")
    if _LIMIT.search(text[:300]):
        return "stopped at a limit"
    if _RAW_CALL.match(text):
        return "ends with a call as text"
    read = text if len(text) <= 2 * HEAD else text[:HEAD] + "\n" + text[-HEAD:]
    if _NOT_NEEDED.search(read):
        return "says nothing was needed"
    if _COULD_NOT.search(read):
        return "says it could not"
    if _DONE.search(read):
        return "says it is done"
    if read.endswith(("?", "？")):
        return "asks back"
    return ""


def asks_for_change(request: str) -> bool:
    """Whether a request names something to be changed that words alone cannot change."""
    return bool(_CHANGE.search(request[:HEAD]))
