"""The words by which users say no and yes, in English and Chinese: patterns for `feedback`.

Chinese patterns are written in simplified characters; messages are brought to those first (`PLAIN`).
"""

from __future__ import annotations

import re

HEAD = 500
"""Characters of a message that are read: people say no at the beginning, what follows is often pasted."""

PLAIN = str.maketrans(
    "對錯還報現編譯過沒別請麻煩謝這個樣應該為什麼換種嗎誰難讓說給時間問題會後來寫關動實讚絕無將測試馬顯",
    "对错还报现编译过没别请麻烦谢这个样应该为什么换种吗谁难让说给时间问题会后来写关动实赞绝无将测试马显",
) | str.maketrans(
    {"’": "'", "‘": "'", "復": "复", "銷": "销", "滾": "滚", "舊": "旧", "壞": "坏", "記": "记"}
)
"""Traditional characters that the rules use, as simplified ones; typographic apostrophes as plain ones."""

QUOTED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\"[^\"\n]*\"|“[^”\n]*”|「[^」\n]*」|《[^》\n]*》|#{2,}\w+#{2,}", re.S
)
CLAUSES = re.compile(
    r"(?<=[.!?;])\s+|(?<=[。！？；，])|\n+|(?<=\?!)\s*|\s[-–—]+\s|—|"
    r"[,;]?\s+(?=(?:but|however|though|yet|except)\b)|[,;]\s+(?=(?:i|you|it|this|that|the|there|please|"
    r"do|don't|now|wait)\b)",
    re.I,
)
SOFT = re.compile(
    r"^\W*(?:(?:sorry|well|h+m+|oh|ah|ok(?:ay)?|wait|hold on|hey|thanks?(?: you)?|but|however|though|"
    r"yet|and|so|"
    r"u[hm]+|what|ugh|again|yeah|yes|honestly|look|also)\b(?! (?:for|to|about|is|are|does|do|did|"
    r"happens)\b)\W*|"
    r"(?:但是|但|不过(?!还有)|可是|只是|然而|那么?(?=[^个些里])|抱歉|对不起|等一?下|等等|嗯|呃|唉|喂|"
    r"拜托)\W*)+",
    re.I,
)
"""What may stand before the point of a clause."""

OFF = (
    r"(?:off by|swapped|reversed|backwards?|inverted|upside down|too \w+|the (?:old|wrong|previous)|"
    r"wrong|incorrect|broken|false|missing|off|mistaken|a mistake|inaccurate)"
)
SOUND = (
    r"(?:right|correct|working|true|good|enough|quite|what|how|where|the|my|a|an|it|acceptable|fixed|"
    r"done|valid|"
    r"complete|helpful|compiling|there|like)"
)
NO = re.compile(
    r"^\W*(?:(?:no|no{2,}|nope|nah)\b(?=\s*[,.!;:…]|\W*$|\s+(?:no|not|don't|do not|i|that|this|it|you|"
    r"the|use|need|worries|"
    r"problem|thank)\b))(?P<rest>[\s\S]*)",
    re.I,
)
NO_IS_FINE = re.compile(
    r"^\s*(?:problem|worr|need\b|rush|hurry|thank|longer|idea|more\b|further|other\b|one\b|doubt|"
    r"matter|wonder|"
    r"big deal|\w+ (?:found|left|needed)|[,.!;: ]+(?:thank|no need|problem|worries|that (?:sums|"
    r"covers)|that(?:'s| is| was| will be|'ll be)(?: it| all| okay| ok| fine| alright| good|"
    r" everything| enough|\b(?! (?:not|wrong|the|incorrect)))|"
    r"i(?:'m| am) (?:done|good|fine|all set|okay|ok)|i(?:'ve| have)?(?: do not| don't| haven't| can't|"
    r" cannot|"
    r" never| didn't)? (?:have|got|know|remember|recall|think|see|had)\b|i(?:'ll| will)\b|nothing|"
    r"only\b|just\b(?! (?:use|"
    r"do|put|make))|we're|you(?:'ve| have) been|it(?:'s| is) (?:ok|fine|alright|all)|everything))",
    re.I,
)
VERDICT = re.compile(
    rf"^(?:(?:that|this|it|these|those)(?:'s| is| are| was| were| looks?| seems?) (?:also |all |"
    rf"still |just |clearly )?"
    rf"(?:{OFF}\b|not (?:at all )?{SOUND}\b)|"
    rf"(?:that|this|it|these|those) (?:isn't|aren't|wasn't|weren't) {SOUND}\b|"
    r"(?:still )?(?:the )?wrong(?: \w+){1,2}\W*(?:$|[:.!,])|"
    r"(?:that|this|it|these|those) (?:still |also |just )?(?:didn't|doesn't|does not|did not|won't|"
    r"don't|fails|failed|broke"
    r"|breaks|crashe[sd])\b(?! work out)|"
    rf"(?:your|the) (?:\w+ ){{1,3}}(?:is|are|was|were|has|have) (?:still |now |all |again |"
    rf"also )?(?:{OFF}\b|gone\b|"
    r"disappeared|vanished|dead\b|not (?:right|correct|working))|"
    r"(?:the|that) [^?]{1,40}\byou (?:gave|sent|wrote|made|created|used|added|provided|"
    r"picked)\b[^?]{0,40}\b(?:is|are|was|"
    r"were|does|do|did)(?:n't| not| wrong| dead| broken| missing| empty| incorrect)|"
    r"there(?:'s| is| are) (?:a |an |still (?:a |an )?)?(?:mistake|typo)|(?:the )?wrong(?: \w+)?\W*$|"
    r"wrong[,.!]|"
    r"oh no\b|not (?:that\b|like that|what i|this\b|quite|there\b|right\b|correct)|incorrect\b|"
    r"it should(?:'ve been| have been|n't| not)\b|"
    r"shouldn't (?:it|that|this))",
    re.I,
)
STILL = re.compile(
    r"\b(?:crashed|failed|broke|breaks|fails|crashes) again\b|\bstill (?:not|no|doesn't|does not|"
    r"didn't|isn't|aren't|can't|cannot|fail\w*|broken|wrong|the same|get|getting|"
    r"see|seeing|shows?|crash\w*|missing)|^(?:still |again )?(?:the )?same (?:error|problem|issue|"
    r"result)|"
    r"^(?:and )?now (?:the|it|my|all|everything|this|that|there|i)\b.*\b(?:fails?|failing|broken|"
    r"errors?|crash\w*|gone|"
    r"missing|empty|can't|cannot|doesn't)\b|\b(?:have|has) (?:all )?(?:disappeared|vanished)\b",
    re.I,
)
FAULT = re.compile(
    r"\byou(?:'ve| have)?(?: just| also| again| only| completely)* (?:forgot|missed|broke\b|"
    r"misunderstood|misread|overwrote|"
    r"ignored|messed|skipped|didn't|did not|shouldn't|should not|should have|should've|were supposed|"
    r"left out|weren't)|"
    r"\byou(?:'re| are) (?:looping|wrong|mistaken|supposed|not (?:listening|following|supposed))|"
    r"\byou (?:just )?(?:\w+ed|took|chose|sent|put|wrote|made) (?:the wrong|it wrong|everything)|"
    r"\bi (?:said(?! (?:goodbye|hello|yes))|told you|meant|thought i (?:was|said|made)|never (?:asked|"
    r"said|told)|(?:already|specifically|explicitly|clearly) (?:said|asked|"
    r"told)|did(?:n't| not) (?:ask|say|mean|tell|want))\b|^i asked\b|\bi(?:'d| would) (?:rather|"
    r"prefer) (?:that )?you\b|"
    r"^(?:i think )?there(?: has|'s| is| might| may| must)(?: have)?(?: be| been)? (?:a |"
    r"some )?(?:misunderstanding|mix-up)|"
    r"^(?:the|your|my) [\w ]{3,30} is wrong\b|\b(?:was|were|are|is|am)(?:n't| not)? supposed to\b|"
    r"\bsince your (?:last )?\w+|"
    r"\byou(?:'ve| have)? (?:got|put|have) [^?]{1,40}\b(?:wrong|backwards?|reversed|swapped|mixed up|"
    r"upside down)\b|"
    r"\byou (?:mixed|messed|screwed) up\b|\byou (?:wrote|made|added|sent|gave)\b[^?]{0,20}\b(?:never|"
    r"don't|doesn't|cannot|can't)\b|"
    r"\bwe (?:don't|do not|never) use\b|\b(?:second|third|fourth|\w+th) time i\b|\bwasn't clear\b",
    re.I,
)
REPROACH = re.compile(
    r"^why (?:did|do|are|have|would|were|is|on earth|the hell)(?:n't)? (?:you|this still|it still|"
    r"that still)\b(?! (?:recommend|think|prefer|suggest|need|"
    r"ask|want|say)\b)|^why (?:is|are|does) (?:everything|it|this|that|the \w+)\b.*\b(?:now|still|"
    r"again|suddenly|gone)\b|"
    r"^where (?:did|have|are|is) (?:my|the|all|our) .*\b(?:go|gone)\b|"
    r"\bwho (?:told|asked) you\b|^did(?:n't)? i (?:say|ask|tell|want|not)\b|^are you (?:serious|kidding)|"
    r"^(?:isn't|wasn't) (?:it|that|this) (?:obvious|clear)|^how (?:could|can) you (?:not|miss|forget)|"
    r"^what (?:have you done|did you do to)|^did you (?:even|really)\b|"
    r"^shouldn't you\b|^weren't you\b|"
    r"^(?:你|你们)?为什么(?:你|要|把|又|还|不按|没)|^你(?:怎么|干嘛|干吗|为何)|^怎么(?:又|还|把|老|全|"
    r"都|变|成|没)|^.{1,10}干(?:什么|嘛|"
    r"吗)[?？]?$|谁[让叫]你|^难道|"
    r"^不是(?:说|让|叫)|凭什么",
    re.I,
)
WHY = re.compile(
    r"^(?:why (?:not|(?:do|are|have) (?:you|we) not|(?:don't|aren't|haven't) (?:you|we)|"
    r"do (?:you|we) (?:use|run|call|take|choose|pick|prefer))\b|how come (?:you|we)\b|"
    r"(?:(?:is|was) there|what(?:'s| is| was)) (?:a|any|the) reason\b)"
    r"|^(?:warum|wieso|weshalb)\b(?! (?:hast|habt)\b)"
    r"|^(?:你|你们|我们)?为什么(?:你|你们|我们)?(?:不[用使选采]|没有?用)",
    re.I,
)
"""A question for the reasons of what the agent does, or does not do."""
INSISTS = re.compile(
    r"\b(?:just|simply|still|again|always|ever|never|keep|told|said|asked|please|"
    r"immer|noch|wieder|endlich|gesagt|bitte)\b|请|又|还|老是|总是|让你|叫你",
    re.I,
)
"""Words with which such a question is a reproach, or a request."""
REQUESTS = re.compile(
    r"^(?:please|(?:can|could|would|will|shall|should|may|might)(?:n't)? |let's\b|how about\b|what about\b|"
    r"(?:do|would) you mind\b|(?:kannst|könntest|würdest|können|könnten|sollten|nimm|nutze?)\b)|"
    r"(?:能|可以|可不可以)[^。！？?]{0,4}(?:用|改|换)|[改换]成",
    re.I,
)
"""How a question begins that asks for something to be done."""
FORBIDS = re.compile(
    r"^(?:(?:please|could you|can you|would you|just)[, ]+){0,2}(?:(?:don't|do not|dont|never|"
    r"(?<=you )not|(?<=please )not)\b(?! (?:forget|worry|"
    r"hesitate|mind|need|know|remember|have|think|sure|yet|only|bother|be\b|see|really|all|at|urgent|"
    r"necessar|"
    r"exactly|bad|a\b|sweat|you\b|we\b|they\b|disturb))\s+\w|stop(?:\W*$|[,.!]| (?:it|that|this|"
    r"\w+ing)\b))",
    re.I,
)
BACK = re.compile(
    r"^(?:please |can you |could you )?(?:undo|revert|roll ?back)(?:\W*$| (?:that|this|it|your|"
    r"my last|the last|what|"
    r"all|those|everything|the changes?)\b)|^(?:please )?(?:put|change|set|move|turn) (?:it|that|this|"
    r"them|everything) back\b",
    re.I,
)
OTHERWISE = re.compile(
    r"^actually[, ]+(?:no\b|use|put|make|don't|do not|keep|let's|leave|change|skip|i (?:want|wanted|"
    r"meant|need)\b|"
    r"i(?:'d| would) (?:rather|prefer|like)\b(?! to know)|it(?:'s| should| is)|the\b|not\b|we\b)|"
    r"^(?:please )?(?:use|run|do|try|call|put|make|take|keep|write|go with) [^?\n]{1,80}\b(?:instead|"
    r"rather than)\b|"
    r"\bnot [\w.`'-]+[,;] (?:but |use )|"
    r"^(?!.*\b(?:if|can|could|would like|want)\b)[^?]{3,80}, not (?!sure|only|just|yet|all|that|to\b|"
    r"too\b|because|more|less|water)\w+|"
    r"\brather than\b.*!|^(?!(?:can|could|would|if|i|may|is|are|do|does|"
    r"then)\b)\w+ [^?]{1,60}\binstead\W*$|"
    r"^try again\b|^(?:please )?(?:re-?read|read [^?]{1,40} again)\b|"
    r"\bare (?:still )?in \w+ rather than\b",
    re.I,
)
WISHES = re.compile(
    r"^\W*(?:also|additionally|besides|and|i(?:'d| would) (?:also )?like|i (?:also )?(?:want|"
    r"need))\b",
    re.I,
)
"""How a further request begins; "X instead of Y" in it is about things, not about what the agent did."""

NO_ZH = re.compile(
    r"^不对(?![称齐应比外])|不对[了啊吧呀]?$|^不是(?:这|那|我[要说想的]|的$|$)|^(?:这|那)(?:个|些|"
    r"里)?[^是]{0,6}不是(?!问题)|"
    r"^不行|不行[了啊吧]?$|不正确|没有?用$|不管用|不起作用|"
    r"(?:还是|仍然|依然|仍)(?:不|没|错|报错|同样|一样|老样子|有问题|失败|空白|旧)|"
    r"^现在.{0,8}(?:不过|报错|失败|打不开|不能|没法|不见|坏|出错|挂)|"
    r"[搞弄写改做理解删放用选算]错[了地]|^错了|(?:答案|结果|这|那).{0,3}错了|被你.{0,6}[坏删改掉]|"
    r"^你(?:又|还|把|是)?.{0,4}(?:忘了|忘记|漏了|漏掉|"
    r"误解)|"
    r"^你(?:应该|不应该|不该|得先|没有?按)|^(?:这|那)(?:里|个)?(?:不)?应该|^不应该|^应该(?:是|用|放|改|"
    r"写|在|先)|"
    r"(?:都|已经)?(?:跟你|和你)说(?:了|过)|^都?说了|我(?:从来|并)?没有?(?:让|要|叫)你|^我[说要指问]的是|"
    r"^我的意思|"
    r"^(?:请|麻烦)?你?(?:不要|别)再?(?![忘担着急客的处怕介在紧人名扭]|说明)|[用改写放]\S{1,12} ?(?:不要|"
    r"别)[用改写放]|"
    r"^(?:请|麻烦)?你?(?:撤销|撤回|回滚|还原)(?:刚|这|那|吧|上|你|一下|掉|所有|$)|^(?:请)?(?:改|换|放|"
    r"调|恢复)回|"
    r"^停(?:下|手|一下|止)?$|^换(?:一?[种个])(?:方[法式]|做法|思路|写法)|^(?:请)?重新(?:来|做|写)(?:过|"
    r"一遍|一次)?$|"
    r"^(?:请)?(?:用|改用|改成|放).{1,30}而不是|^不是.{1,20}(?:而是|是)|是.{1,15}不是(?!吗)|^改用(?!户)|"
    r"^这样不|"
    r"(?:反|颠倒|倒|混|崩|挂|乱|多余|弄丢|搞丢)了$|(?:太|有点)(?:小|大|慢|长|短|多|少|窄|宽|高|低|乱|暗|"
    r"亮)了?$|^又.{0,4}[崩错挂坏败了]|"
    r"说[了过]?[两三几多好]遍|我们.{0,5}不用|^(?:你)?再(?:试|仔细|好好)|你.{0,4}改[完了]?.{0,2}之?后|"
    r"本来应该|原本应该|本应|"
    r"没(?:有)?[照按]我|^有点?问题|^那?是旧|(?:少|漏|多)了一|没[居对]"
)
PRAISE_BUT = re.compile(
    r"^\W*(?:ok(?:ay)?|great|nice|good|looks \w+|thanks|thank you|fine|almost|close|cool|perfect|"
    r"yes)\b[^.?!]{0,30}"
    r"\b(?:but|except|however|only that)\b(?! (?:can|could|also|what|how|is there|now|first|let's|"
    r"before|i (?:also|need|want"
    r"|would|have|still)|i'd|please (?:also|tell))\b)|"
    r"^\W*(?:挺好|很好|不错|好的?|可以|差不多|谢谢|辛苦)[^。？?！]{0,10}(?:但是?|不过|可是|就是|"
    r"只是)(?!还有|这样|这个|能|我还|也|请问|它)",
    re.I,
)
"""Praise with a reservation: what follows the "but" is what counts."""
CONTRAST_ZH = re.compile(r"是[^。！？?]{1,15}[，,]\s*不是(?!吗|问题)\S")
ASKS_ZH = re.compile(r"[吗嘛呢][?？]?$|[?？]$|是不是|能不能|可不可以|哪|什么|多少|怎样|^如果")
MORE_ZH = re.compile(r"^\W*(?:我想|还要|还有|另外|再)")

ACCEPTS = re.compile(
    r"^\W*(?:thanks|thank you|thx|ty\b|cheers|great\b|perfect|nice\b|awesome|excellent|brilliant|"
    r"good\b(?! (?:morning|"
    r"evening|afternoon|day))|"
    r"looks? good|lgtm|works|all good|it(?:'s)? (?:works|compiles|runs|passes|fixed)|that (?:works|"
    r"fixed|did it|helped)|"
    r"that(?:'s| is) (?:right|it|all|correct|perfect|great|good|better|exactly|what i)|(?:you're|"
    r"you are) (?:a |the |my )"
    r"|i(?:'m| am) happy with|cool|beautiful|lovely|wonderful|yay|hooray|sweet|(?:no|zero) (?:further|"
    r"more|other) (?:questions?|errors?)|correct\b(?! the)|exactly|done\b|(?:no|nope|"
    r"nah)\b[,.! ]+(?:that(?:'s| is| will be) "
    r"(?:all|it|everything)|nothing(?: else)?[,.! ]|i(?:'m| am) (?:done|good|all set)|thank)|"
    r"(?:it|this|that)(?:'s| is) (?:not|no longer) broken any ?more|got it[,.! ]+thank|that (?:sounds|"
    r"looks) (?:good|perfect|great)|"
    r"(?:yes|ok|okay)[,.! ]+(?:thanks|thank you|perfect|great|that works))",
    re.I,
)
ACCEPTS_ZH = re.compile(
    r"^\W*(?:非常|十分|嗯|真是)?(?:谢谢|多谢|感谢|完美|很好|太好|太棒|棒|赞|厉害|不错|辛苦|漂亮|搞定|"
    r"修好|就要(?:这|的就是)|解决了|成功了|跑通|可以了|好了|没问题|"
    r"没错|正是|正好|就是(?:这样|这个|它)|对(?:$|[,，。!！了的])|不用了|没有?(?:别的|其他)|通过了)|"
    r"(?:可以|好|没问题|跑通|搞定|通过|正常|修好)了?[。!！]*$"
)
CONSENTS = re.compile(
    r"^\W*(?:yes|yep|yeah|yup|ok\b|okay|sure\b(?! (?:about|if))|sounds good|go ahead|please (?:do|"
    r"proceed|go ahead)|alright|"
    r"right[,.! ]|confirmed?\b|agreed|"
    r"(?:好的|可以|行|对的?|是的?|嗯|没错|同意|确认)(?=$|[\s,，。!！、]))",
    re.I,
)
CONFIRMS = re.compile(
    r"\b(?:it|that|this|everything|all|now)\b[^.?!]{0,20}\b(?:works?|worked|compiles|runs|passes|"
    r"fixed|solved)\b|"
    r"(?:^|[,.!;:])\s*(?:works|worked|fixed|solved|lgtm|all (?:good|green)|it (?:works|compiles|runs))\b|"
    r"tests? (?:now )?pass|"
    r"no (?:more|longer any) errors|did the trick|exactly (?:what|as) i|解决了|修好了|跑通|通过了|搞定|"
    r"成功了|没问题了|"
    r"(?:现在|能|已经)?(?:可以|正常|能用)了|就是(?:这样|我要的)|正是我",
    re.I,
)
"""Words about what came of it; thanks alone are manners."""
INTERRUPTS = re.compile(
    r"\[?Request interrupted by user|<turn_aborted>|\[user interrupted\]|"
    r"The user doesn't want to proceed",
    re.I,
)
ENDS = re.compile(r"(?<=[.!?…])\s+")
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an the please can could would you i we me my to of in on for and or is are do does did has have "
        "had asked ask said again now just then so how what that this it be will need want like kindly hey "
        "hi ok okay all",
    )
)
"""Words that say nothing about what is asked for."""
FILLERS_ZH = re.compile(r"再说一遍|我[问说要]的是|麻烦你?|请你?|帮我|一下|统计|告诉我|给我|的|了|吧|啊")
