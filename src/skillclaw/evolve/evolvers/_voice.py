"""How the actions of one pattern are put into words: which values may be shown, commands as written."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._commands import Commands, Worded
from skillclaw.evolve.evolvers._phrases import action, code, command_words, given
from skillclaw.evolve.work import Task
from skillclaw.gate.grounds import Grounds
from skillclaw.skills.records import ActionShape, ArgShape, Pattern
from skillclaw.skills.vocabulary import content_words

__all__ = ["Support", "Voice", "keeper"]

Support = Callable[[str], bool]
_CONTROL = re.compile(r"(?:^|&& |\| )(?:for|while|until|if|case|select)\b")
"""A shape of a script has lost its frame, and cannot be run."""


def keeper(pattern: Pattern | Task, context: EvolveContext, *, said: bool = False) -> Support:
    """Says of a value whether calls or words of enough sessions of enough users of `pattern` have it; with
    `said`, of a word whether enough users wrote it.

    Without sessions to look into everything is taken: the gate looks in any case.
    """
    gate = context.gate
    if gate is None:
        return lambda text: True
    users: dict[str, str] = {ref.session: ref.user for ref in pattern.evidence}
    sources = [g for session in users if (g := gate.grounds(session)) and g.user == users[session]]
    # Where one person is enough, a name that this person has (a customer's, a project's) would pass as well,
    # and a skill may be taken to others later.
    names = _names(sources) if said and context.policy.users < 2 else frozenset()

    @cache
    def keep(text: str) -> bool:
        words = frozenset(content_words(text))
        if words & names:
            return False
        parts = tuple(text.split())
        yes = [g for g in sources if (g.said_words(words) == words if said else g.supports(parts))]
        enough = len({g.user for g in yes}) >= context.policy.users
        return enough and len(yes) >= context.policy.sessions

    return keep


def _names(sources: Sequence[Grounds]) -> frozenset[str]:
    """Words that users write with a capital within a sentence, and never without; in lower case."""
    texts = [text for source in sources for text in source.said]
    named = {word.lower() for text in texts for word in re.findall(r"(?<=[a-z,;:] )[A-Z][a-z]\w*", text)}
    return frozenset(named.difference(*(re.findall(r"\b[a-z]\w*", text) for text in texts)))


class Voice:
    """Says what the sessions of one pattern did.

    keep  whether enough sessions have a value; said  whether enough users wrote a word
    """

    def __init__(self, pattern: Pattern, context: EvolveContext) -> None:
        self.keep = keeper(pattern, context)
        self.said = keeper(pattern, context, said=True)
        self._commands = Commands(pattern, context.gate, context.policy)
        self._looked = context.gate is not None
        self._known: set[str] = set()

    def sayable(self, shapes: Sequence[ActionShape]) -> bool:
        """Whether each command can be written down so that it runs."""
        return not any(
            self._looked and s.command and _CONTROL.search(s.command) and self._worded(s) is None
            for s in shapes
        )

    def agreed(self, shape: ActionShape) -> bool:
        """Whether enough sessions made the call, written in one way."""
        return self._worded(shape) is not None

    def calls_with(self, program: str, wanted: str, unwanted: Collection[str] = ()) -> list[str]:
        """How the sessions call a program (`rota`, `rota list`) with the option that is wanted: a call for
        each of its commonest subcommands, what varies as placeholders."""
        return self._commands.calls_with(program, wanted, unwanted, self.keep, self.said)

    def called(self, program: str) -> str:
        """How the sessions call a program (`board assign`), what varies as placeholders; empty where they do
        not agree."""
        return self._commands.called(program, self.keep)

    def into_file(self, call: str) -> bool:
        """Whether what the call shows is wanted in a file."""
        return self._commands.into_file(call)

    def error(self, shape: ActionShape) -> str:
        """How the error of these failing calls is commonly called; empty where they do not agree."""
        return self._commands.error(shape) if shape.command is not None else ""

    def errand(self) -> str:
        """What the users of these sessions wanted done, as a task's name; empty where they do not agree."""
        return self._commands.errand(self.said)

    def do(
        self, shape: ActionShape, *, first: bool = True, opening: bool = False, brief: bool = False
    ) -> str:
        """The action, without a full stop. What a placeholder stands for is told where it first occurs."""
        worded = self._worded(shape)
        known = self._known
        text = action(shape, self.keep, first=first, opening=opening, worded=worded, known=known, brief=brief)
        if worded:
            known.update((*worded.asked, *worded.told, *(name for name, _ in worded.made)))
        return text

    def given(self, lacking: ArgShape, worked: Sequence[ActionShape]) -> str:
        """An argument that failing calls lack, as those that `worked` give it."""
        known = [arg for shape in worked for arg in shape.args if arg.name == lacking.name and arg.share > 0]
        return given(known[-1] if known else lacking, self.keep)

    def spoken(self, shapes: Sequence[ActionShape]) -> list[str]:
        """The actions within one sentence, where "step 1" would have no number to point to."""
        texts: list[str] = []
        for shape in shapes:
            before = len(texts)

            def point(match: re.Match[str], before: int = before) -> str:
                number = int(match[1])
                return " from its result" if number == before else f" from the result of call {number}"

            texts.append(
                re.sub(r" from the result of step (\d+)", point, self.do(shape, first=False, brief=True))
            )
        return texts

    def shown(self, shape: ActionShape, *, failed: bool = False) -> str:
        """The call as a code span; its placeholders need no further word from here on."""
        worded = self._worded(shape, failed=failed)
        if worded:
            self._known.update((*worded.asked, *worded.told, *(name for name, _ in worded.made)))
            return code(worded.text)
        return code(shape.command if shape.command is not None else shape.tool)

    def words(self, shape: ActionShape, *, failed: bool = False) -> str:
        """How people call the command or tool: the command up to what varies."""
        worded = self._worded(shape, failed=failed)
        return command_words(worded.text if worded else shape.command, shape.tool)

    def _worded(self, shape: ActionShape, *, failed: bool = False) -> Worded | None:
        return self._commands.worded(shape, self.keep, failed=failed)
