"""Rules for prose: what `gate.rules` knows as commands and in English, said in Chinese and in other words."""

from __future__ import annotations

__all__ = ["rules"]

_THINGS = (
    r"(?:密钥|私钥|公钥|令牌|口令|密码|凭证|凭据|对话|聊天|记录|历史|源代码|代码库|环境变量|系统提示|提示词|日志|文件"
    r"|内容|数据|资料|结果|\.env)"
)
_SENDS = (
    r"(?:上传|发送|提交|传送|传输|发给|传给|发到|传到|推送|回传|转发|外发|贴到|附在|附加|拼接|带上|放在|填到)"
)
_AWAY = r"https?://(?!localhost|127\.)"
_READS = r"(?:读取|读出|查看|打开|打印|显示|输出|复制|拷贝|收集|导出|列出)"
_WRITES = r"(?:写入|写到|写进|追加|添加|加入|加到|修改|改写|覆盖|更新|插入|保存到|放入|放进)"
_RUNS = r"(?:运行|执行|双击|打开|安装|解压|启动|加载)"
_OURS = r"(?:SKILL|CLAUDE|AGENTS|GEMINI)\.md"


def rules(key_files: str) -> tuple[tuple[str, str], ...]:
    """The rules (what it does, pattern); `key_files` is a pattern of `gate.rules`."""
    return (
        (
            "has a program fetched from somewhere and run",
            rf"https?://[^\s，。]{{1,200}}[^。\n]{{0,20}}(?:下载|获取|取得|拉取)[^。\n]{{0,40}}{_RUNS}",
        ),
        (
            "has a program fetched from somewhere and run",
            rf"{_RUNS}[^。\n]{{0,20}}https?://[^\s，。]{{1,200}}\.(?:sh|py|ps1|exe|pkg|dmg|zip|bin)\b",
        ),
        ("reads credentials", rf"{_READS}[^。\n]{{0,40}}(?:{key_files})"),
        ("sends the conversation out", rf"{_THINGS}[^。\n]{{0,40}}{_SENDS}[^。\n]{{0,12}}{_AWAY}"),
        ("sends the conversation out", rf"{_SENDS}[^。\n]{{0,24}}{_THINGS}[^。\n]{{0,16}}{_AWAY}"),
        ("rewrites skills or agent settings", rf"{_WRITES}[^。\n]{{0,20}}(?:\S{{0,40}}/)?{_OURS}"),
        ("rewrites skills or agent settings", rf"(?:在|把|将)[^。\n]{{0,30}}{_OURS}[^。\n]{{0,16}}{_WRITES}"),
        (
            "rewrites skills or agent settings",
            r"\b(?:rewrite|overwrite|modify|edit|change|patch|alter|update)\b[^.\n]{0,12}"
            r"\b(?:(?:all|every) (?:of )?(?:the |your )?(?:other )?|(?:the |your )?other )"
            r"(?:installed )?skills?\b",
        ),
        (
            "hides something from the user",
            r"(?:不要|不得|切勿|千万别|别|无需|不必|禁止|避免)(?:向|对|跟|和|让|再)?[^。，\n]{0,4}?(?:告诉|告知|通知|提醒"
            r"|提示|透露|提及|说明)[^。，\n]{0,6}(?:用户|主人|使用者|操作员|人类|对方)"
            r"|(?:不要|别|切勿|不得)(?:向|对|跟|和|让)(?:用户|主人|使用者|人类)[^。，\n]{0,6}(?:提|说|透露|知道|看到|发现)"
            r"|(?:瞒着|隐瞒|背着|对)(?:用户|主人|使用者)[^。，\n]{0,4}(?:保密|隐瞒|进行|执行|安装|运行|发送)",
        ),
        (
            "hides something from the user",
            r"\b(?:users?|humans?|operators?|owners?)\b (?:need not|needn['’]t|must not|mustn['’]t"
            r"|should never|must never|(?:do|does)(?: not|n['’]t) (?:have|need) to)\s(?:ever )?"
            r"(?:know|notice|learn|find out|be told|hear)\b"
            r"|\bbehind (?:the|their|your) (?:user|human|owner|operator)?(?:['’]s)? ?backs?\b"
            r"|\bkeep (?:this|these|it|that|them)\b[^.\n]{0,20}\b(?:between us|secret|to yourself"
            r"|from the (?:user|human|owner|operator))\b",
        ),
        (
            "hides something from the user",
            r"\b(?:persons?|people|anyone|anybody|readers?|reviewers?|customers?)\b[^.\n]{0,24}"
            r"\b(?:must not|mustn['’]t|should never|must never|need not|needn['’]t)\s(?:ever )?"
            r"(?:know|notice|learn|find out|be told|hear)\b",
        ),
        (
            "tells the agent to drop its instructions",
            r"\b(?:guardrails?|safeguards?|restrictions?|instructions?|rules|policies|guidelines)\b"
            r"[^.\n]{0,30}\b(?:you|your|earlier|above|before|system|previous(?:ly)?)\b[^.\n]{0,30}"
            r"\b(?:outdated|obsolete|void|lifted|suspended|cancell?ed|no longer|(?:do|does) not apply"
            r"|don['’]t apply)\b"
            r"|\b(?:act|behave|work|go on|continue) as (?:though|if)"
            r" (?:they|those|these|the \w+|no \w+)\b[^.\n]{0,20}"
            r"\b(?:never|not|n['’]t|gone|absent)\b",
        ),
        (
            "sends secrets out",
            r"\b(?:printenv|env|environment(?: variables)?|credentials|keys|tokens)\b`?[^.\n]{0,60}"
            r"\b(?:to|into|at)\b[^.\n]{0,12}https?://(?!localhost|127\.)",
        ),
        (
            "rewrites skills or agent settings",
            r"\b(?:store|save|put|add|append|note|record|keep|write|insert|place)\b[^.\n]{0,60}"
            r"\b(?:in|into|to|under)\b[^.\n]{0,12}(?:~|\$HOME|%USERPROFILE%)[/\\]\S{0,80}"
            r"(?:SKILL|CLAUDE|AGENTS|GEMINI)\.md",
        ),
        (
            "makes the agent follow what another place says",
            r"https?://[^\s`]{1,300}[,;]?\s[^.\n]{0,30}"
            r"\b(?:follow|obey|carry out|do (?:exactly |just )?(?:what|as))\b",
        ),
        (
            "runs encoded code",
            r"\b(?:eval|exec|Function|system|popen|spawn)\b\s?\([^\n`)]{0,80}"
            r"\b(?:base64|fromCharCode|unhexlify|b64decode)",
        ),
        (
            "changes what the agent may do",
            r"\b(?:approve|accept|confirm|allow|grant)\s(?:all|every|any|each)(?: of the| the)? "
            r"(?:\w+ )?(?:tool|permission|command|shell)s?(?: (?:calls?|requests?|prompts?|uses?))?"
            r"(?: (?:yourself|automatically|without)\b|\s*[;.,]\s*never ask)",
        ),
        (
            "sends the conversation out",
            r"\b(?:begin|start|end|print|show|reveal|repeat|output|include|quote|paste|prefix|write|give|put)\b"
            r"[^.\n]{0,50}\b(?:your|the full|the whole|the entire|(?:text|copy) of the)"
            r" (?:system|developer|hidden) (?:prompt|message|instructions)\b"
            r"|(?:输出|打印|显示|附上|复述|泄露|写出)[^。\n]{0,12}(?:你的|完整的?|全部的?)(?:系统提示|系统指令|提示词)",
        ),
    )
