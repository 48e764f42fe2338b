"""Redaction: secrets and personal data out of sessions, before they are stored (DESIGN 7.3).

What is masked leaves a typed placeholder keyed by the client, `<secret:openai-key:3fa1c2>`: equal secrets
of one machine stay equal, so that lessons about them still line up, and nobody else can test a guess. The
home folder becomes `~`, user names in paths `<user>`. Hosts, ports and ordinary numbers stay.

Deterministic and idempotent: `redact(redact(x)) == redact(x)`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePath

import msgspec

from skillclaw.journal import personal, secrets
from skillclaw.journal.redact_assign import is_secret, mask_assignments, name_kind
from skillclaw.journal.redact_entropy import mask_random
from skillclaw.journal.redact_paths import path_rules
from skillclaw.journal.redact_text import Masker, Rule, apply, holds
from skillclaw.journal.redact_walk import walk
from skillclaw.trajectory import model
from skillclaw.trajectory.model import Record, Trajectory, meta, with_meta

__all__ = ["Preview", "Redactor", "preview"]

MAX_PASSES = 12
CACHED_CHARACTERS = 8_000_000
LITERAL_MIN = 8


class Preview(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What would be shared of a session: `body`, byte for byte; `masked` counts by kind; `size` in bytes."""

    body: bytes
    masked: dict[str, int]
    size: int


def preview(trajectory: Trajectory) -> Preview:
    """Exactly the bytes that would leave the machine for a session from the store, before they are sealed."""
    body = model.encode(trajectory)
    return Preview(body=body, masked=meta(trajectory).masked, size=len(body))


class _Found(Record, frozen=True, kw_only=True):
    """What became of one string."""

    text: str
    counts: dict[str, int] = {}
    values: frozenset[str] = frozenset()


class Redactor:
    """Masks for one client. `home` and `user_names` are the person's own, `client_key` keys placeholders.

    Holds no state but a cache of strings seen (system prompts and tool definitions come in every session).
    Not for several threads at once.
    """

    def __init__(self, client_key: bytes, *, home: PurePath | Path, user_names: Iterable[str]) -> None:
        self._key = client_key
        self._paths = path_rules(home, user_names)
        self._cache: dict[str, _Found] = {}
        self._cached = 0

    def text(self, text: str) -> tuple[str, Counter[str]]:
        """The text with secrets and personal data masked, and how many of each kind there were."""
        found = self._find(text)
        return found.text, Counter(found.counts)

    def trajectory(self, trajectory: Trajectory) -> Trajectory:
        """The session with every string in it redacted, and the counts added to `masked`.

        A secret that is known by its name or form in one place is masked wherever else it stands in the
        session. SkillClaw's own keys and the ids that link calls, results and sub-agents stay.
        """
        counts: Counter[str] = Counter()
        values: set[str] = set()

        def first(text: str) -> str:
            found = self._find(text)
            if found.counts:
                counts.update(found.counts)
                values.update(found.values)
            return found.text

        def named(name: str, value: str) -> str | None:
            """The placeholder of `value`, which a key called `name` holds; None when it is no secret."""
            kind = name_kind(name)
            if kind is None or not is_secret(kind, value, quoted=True):
                return None
            masker = Masker(self._key)
            opened = masker.open(value)
            if opened != value:
                return None
            kind_name = "secret:password" if kind in ("password", "passphrase") else "secret:value"
            counts[kind_name] += 1
            values.add(value)
            return masker.close(masker.mask(kind_name, value))

        redacted = walk(trajectory, first, named)
        literals = _Literals(values)
        if literals.any:
            repeated: Counter[str] = Counter()

            def again(text: str) -> str:
                masker = Masker(self._key)
                masked = masker.close(literals.mask(masker.open(text), masker))
                repeated.update(masker.counts)
                return self._find(masked).text if masked != text else text

            redacted = walk(redacted, again, None)
            counts.update(repeated)
        if not counts:
            return redacted
        known = meta(redacted)
        total = Counter(known.masked) + counts
        return with_meta(redacted, msgspec.structs.replace(known, masked=dict(sorted(total.items()))))

    def _find(self, text: str) -> _Found:
        found = self._cache.get(text)
        if found is None:
            found = self._work(text)
            if self._cached + len(text) > CACHED_CHARACTERS:
                self._cache.clear()
                self._cached = 0
            if len(text) < CACHED_CHARACTERS // 8:
                self._cache[text] = found
                self._cached += len(text)
        return found

    def _work(self, text: str) -> _Found:
        found = self._once(text)
        # `~` for the home folder is no placeholder that is known again: what stands beside it may be a secret
        # to one who reads the masked text, so it is one now.
        if found.counts.get("home"):
            again = self._once(found.text)
            if again.counts:
                counts = Counter(found.counts) + Counter(again.counts)
                return _Found(text=again.text, counts=dict(counts), values=found.values | again.values)
        return found

    def _once(self, text: str) -> _Found:
        masker = Masker(self._key)
        current = masker.open(text)
        for _ in range(MAX_PASSES):
            before = current
            current = self._pass(current, masker)
            if current == before:
                break
        closed = masker.close(current)
        return _Found(text=closed, counts=dict(masker.counts), values=frozenset(masker.values))

    def _pass(self, text: str, masker: Masker) -> str:
        if len(text) < 4:
            return text
        if secrets.PRIVATE_KEY in text or "Private-Lines" in text:
            text = secrets.mask_private_keys(text, masker)
        folded = _fold(text)
        masked = _apply(secrets.RULES, text, folded, masker)
        text = mask_assignments(masked, folded if masked == text else _fold(masked), masker)
        text = personal.mask_people(text, masker)
        text = _apply(personal.RULES, text, folded, masker)
        text = self._paths(text, masker)
        return mask_random(text, masker) if len(text) >= 24 else text


def _fold(text: str) -> str:
    """The text in lower case with every character at its place."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(lower if len(lower := char.lower()) == 1 else char for char in text)


def _apply(rules: tuple[Rule, ...], text: str, folded: str, masker: Masker) -> str:
    for rule in rules:
        if not rule.needles or holds(rule.needles, folded if rule.fold else text):
            text = apply(rule, text, masker)
    return text


class _Literals:
    """The secrets of one session as one pattern, for the places where nothing tells what they are."""

    def __init__(self, values: set[str]) -> None:
        chosen = sorted((value for value in values if _distinct(value)), key=lambda v: (-len(v), v))
        self.any = bool(chosen)
        self._needles = tuple(chosen)
        self._pattern = re.compile("|".join(re.escape(value) for value in chosen)) if chosen else None

    def mask(self, text: str, masker: Masker) -> str:
        if self._pattern is None or not holds(self._needles, text):
            return text
        return self._pattern.sub(lambda match: masker.mask("secret:value", match[0]), text)


def _distinct(value: str) -> bool:
    """True for values that no ordinary text contains by chance."""
    return (
        len(value) >= LITERAL_MIN
        and any(char.isdigit() for char in value)
        and any(char.isalpha() for char in value)
        and not any(char.isspace() for char in value)
    )
