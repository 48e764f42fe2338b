"""Redaction: secrets and personal data out of sessions, before they are stored.

What is masked leaves a typed placeholder keyed by the client, `<secret:openai-key:3fa1c2>`: equal secrets
of one machine stay equal, so that lessons about them still line up, and nobody else can test a guess. The
home folder becomes `~`, user names in paths `<user>`. Hosts, ports and ordinary numbers stay.

Deterministic and idempotent: `redact(redact(x)) == redact(x)`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path, PurePath

import msgspec

from skillclaw.journal import personal, secrets
from skillclaw.journal.personal_ids import id_words, mask_ids
from skillclaw.journal.personal_net import mask_addresses
from skillclaw.journal.redact_assign import mask_assignments
from skillclaw.journal.redact_blocks import mask_blocks
from skillclaw.journal.redact_calls import mask_calls
from skillclaw.journal.redact_columns import mask_columns
from skillclaw.journal.redact_custom import custom_rule
from skillclaw.journal.redact_detect import mask_detected
from skillclaw.journal.redact_encoded import SHORTEST, mask_base64, mask_dumps
from skillclaw.journal.redact_entropy import mask_random
from skillclaw.journal.redact_judge import is_secret, name_kind
from skillclaw.journal.redact_linked import rare
from skillclaw.journal.redact_near import mask_near
from skillclaw.journal.redact_paths import path_rules
from skillclaw.journal.redact_public import set_aside
from skillclaw.journal.redact_text import Masker, Rule, apply, holds
from skillclaw.journal.redact_views import mask_encoded, with_escapes, without_colours, without_escapes
from skillclaw.journal.redact_walk import is_word, walk
from skillclaw.journal.seen import Seen
from skillclaw.journal.vendors import SHORTEST_TOKEN, VENDORS
from skillclaw.settings import RedactSettings
from skillclaw.trajectory.model import Record, Trajectory, meta, with_meta

__all__ = ["Redactor"]

MAX_PASSES = 12
MAX_ROUNDS = 6
MAX_DEPTH = 3
"""How often what was decoded is decoded again: base64 in base64 of a file."""
CACHED_CHARACTERS = 8_000_000
"""Of the texts that are remembered with what was masked in them."""
CLEAN = 200_000
"""Texts that are remembered, by a hash, as holding nothing to mask: a long session comes whole when it has
grown, and most of it is such. About 20 MB at most."""
LITERAL_MIN = 8
LINKS = 50_000
"""Names and ids that are remembered: of a long session all."""


class _Found(Record, frozen=True, kw_only=True):
    """What became of one string."""

    text: str
    counts: dict[str, int] = {}
    values: frozenset[str] = frozenset()


class Redactor:
    """Masks for one client. `home` and `user_names` are the person's own, `client_key` keys placeholders.

    `seen`: the credentials that this machine used; `custom`: what the person's settings add. BadInputError
    for a rule there that cannot be used. Holds no state but a cache of strings seen (system prompts and tool
    definitions come in every session). Not for several threads at once.
    """

    def __init__(
        self,
        client_key: bytes,
        *,
        home: PurePath | Path,
        user_names: Iterable[str],
        seen: Seen | None = None,
        custom: RedactSettings | None = None,
    ) -> None:
        custom = custom or RedactSettings()
        self._key = client_key
        self._seen = seen
        self._custom = custom_rule(custom.rules, custom.words, custom.allow)
        self._allow = frozenset(custom.allow)
        self._paths = path_rules(home, user_names)
        self._depth = 0
        self._cache: dict[str, _Found] = {}
        self._cached = 0
        self._clean: set[bytes] = set()
        self._mark_key = blake2b(client_key, digest_size=32, person=b"clean texts").digest()
        self._links: dict[str, _Found] = {}

    def text(self, text: str) -> tuple[str, Counter[str]]:
        """The text with secrets and personal data masked, and how many of each kind there were."""
        self._refresh()
        found = self._find(text)
        return found.text, Counter(found.counts)

    def trajectory(self, trajectory: Trajectory) -> Trajectory:
        """The session with every string in it redacted, and the counts added to `masked`.

        A secret that is known by its name or form in one place is masked wherever else it stands in the
        session. SkillClaw's own keys and the ids of sessions and sub-agents stay; so do names, and ids of
        calls, but for what is known to be a secret in them.
        """
        self._refresh()
        counts: Counter[str] = Counter()
        values: set[str] = set()

        def first(text: str) -> str:
            found = self._find(text)
            if found.counts:
                counts.update(found.counts)
                values.update(found.values)
            return found.text

        def link(text: str) -> str:
            found = self._linking(text)
            if found.counts:
                counts.update(found.counts)
                values.update(found.values)
            return found.text

        def named(name: str, value: str) -> str | None:
            """The placeholder of `value`, which a key called `name` holds; None when it is no secret."""
            kind = name_kind(name)
            if kind is None or not is_secret(kind, value, quoted=True):
                return None
            masker = Masker(self._key, self._allow)
            opened = masker.open(value)
            if opened != value or value in self._allow:
                return None
            kind_name = "secret:password" if kind in ("password", "passphrase") else "secret:value"
            counts[kind_name] += 1
            values.add(value)
            return masker.close(masker.mask(kind_name, value))

        redacted = walk(trajectory, first, link, named)
        literals = _Literals(values)
        if literals.any:
            repeated: Counter[str] = Counter()

            def again(text: str) -> str:
                masker = Masker(self._key, self._allow)
                masked = masker.close(literals.mask(masker.open(text), masker))
                repeated.update(masker.counts)
                return self._find(masked).text if masked != text else text

            redacted = walk(redacted, again, again, None)
            counts.update(repeated)
        if not counts:
            return redacted
        known = meta(redacted)
        total = Counter(known.masked) + counts
        return with_meta(redacted, msgspec.structs.replace(known, masked=dict(sorted(total.items()))))

    def _refresh(self) -> None:
        if self._seen is not None and self._seen.refresh():
            self._cache.clear()
            self._clean.clear()
            self._links.clear()
            self._cached = 0

    def _linking(self, text: str) -> _Found:
        """A name of a tool, model or agent, or an id of a call. Such words look random or like hosts as they
        are made; what is no word is looked at as any text is: weak models call whole commands by name."""
        found = self._links.get(text)
        if found is None:
            if len(self._links) > LINKS:
                self._links.clear()
            found = self._links[text] = self._word(text) if is_word(text) else self._find(text)
        return found

    def _word(self, text: str) -> _Found:
        masker = Masker(self._key, self._allow)
        current = text
        if self._seen is not None:
            current = self._seen.mask(current, masker)
        if len(current) >= SHORTEST_TOKEN:
            current = _vendors(current, current, masker)
        if "/" in current:
            current = self._paths(current, masker)
        if self._custom is not None:
            current = self._custom(current, masker)
        return _Found(text=masker.close(current), counts=dict(masker.counts), values=frozenset(masker.values))

    def _look(self, decoded: str) -> Counter[str]:
        """What is in a text that stood encoded in another."""
        if self._depth >= MAX_DEPTH:
            return Counter()
        self._depth += 1
        try:
            return Counter(self._once(decoded).counts)
        finally:
            self._depth -= 1

    def _find(self, text: str) -> _Found:
        found = self._cache.get(text)
        if found is None:
            # The key is this client's own, so that nobody makes two texts with one mark.
            mark = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._mark_key).digest()
            if mark in self._clean:
                return _Found(text=text, counts={}, values=frozenset())
            found = self._work(text)
            if not found.counts and found.text == text:
                if len(self._clean) >= CLEAN:
                    self._clean.clear()
                self._clean.add(mark)
                return found
            if self._cached + len(text) > CACHED_CHARACTERS:
                self._cache.clear()
                self._cached = 0
            if len(text) < CACHED_CHARACTERS // 8:
                self._cache[text] = found
                self._cached += len(text)
        return found

    def _work(self, text: str) -> _Found:
        found = self._seen_through(text)
        # `~` for the home folder is no placeholder that is known again, and a text has several views: what is
        # beside what was masked may be a secret to one who reads the masked text, so it is one now.
        for _ in range(MAX_ROUNDS):
            if not found.counts or not (found.counts.get("home") or "\\u" in text or "[" in text):
                break
            again = self._seen_through(found.text)
            if not again.counts:
                break
            counts = Counter(found.counts) + Counter(again.counts)
            found = _Found(text=again.text, counts=dict(counts), values=found.values | again.values)
        return found

    def _seen_through(self, text: str) -> _Found:
        """The text redacted, also as it reads without colours and escapes."""
        if "[" in text and (plain := without_colours(text)) != text:
            found = self._unescaped(plain)
            if found.counts:
                return found
        return self._unescaped(text)

    def _unescaped(self, text: str) -> _Found:
        if "\\u" in text and (view := without_escapes(text)) is not None:
            found = self._once(view[0])
            if found.counts:
                masked = with_escapes(found.text, view[1])
                return _Found(text=masked, counts=found.counts, values=found.values)
        return self._once(text)

    def _inner(self, decoded: str, masker: Masker) -> str | None:
        """A decoded part of a text with holes for what is masked in it; None where nothing is."""
        if self._depth >= MAX_DEPTH:
            return None
        self._depth += 1
        try:
            found = self._once(decoded)
        finally:
            self._depth -= 1
        if not found.counts:
            return None
        masker.counts.update(found.counts)
        masker.values.update(found.values)
        return masker.open(found.text)

    def _once(self, text: str) -> _Found:
        masker = Masker(self._key, self._allow)
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
        words = [word for word in text.split() if len(word) >= SHORTEST_TOKEN]
        longest = max(map(len, words), default=0)
        if secrets.PRIVATE_KEY in text or "Private-Lines" in text:
            text = secrets.mask_private_keys(text, masker)
        if "0000" in text or longest >= 24:
            text = mask_dumps(text, self._look, masker)
        if self._seen is not None:
            text = self._seen.mask(text, masker)
        if longest >= SHORTEST:
            text = set_aside(text, masker)
        if words:
            text = _vendors(text, " ".join(words), masker)
        folded = _fold(text)
        masked = _apply(secrets.RULES, text, folded, masker)
        folded = folded if masked == text else _fold(masked)
        text = mask_assignments(masked, folded, masker)
        text = mask_detected(text, folded, masker)
        if "%" in text or ("+" in text and "?" in text):
            text = mask_encoded(text, lambda decoded: self._inner(decoded, masker))
        if longest >= SHORTEST:
            text = mask_base64(text, self._look, masker)
        text = mask_calls(text, _fold(text), masker)
        text = mask_near(text, _fold(text), masker)
        text = mask_blocks(text, _fold(text), masker)
        said = id_words(folded)
        if "\n" in text or "\\n" in text:
            text = mask_columns(text, _fold(text), said, masker)
        text = personal.mask_people(text, masker)
        text = mask_ids(text, said, masker)
        text = _apply(personal.RULES, text, folded, masker)
        text = personal.mask_phones(text, _fold(text), masker)
        text = mask_addresses(text, masker)
        text = self._paths(text, masker)
        if self._custom is not None:
            text = set_aside(self._custom(masker.put_back(text), masker), masker)
        return masker.put_back(mask_random(text, masker) if longest >= 24 else text)


_VENDOR_NEEDLES = tuple(sorted({needle for rule in VENDORS for needle in rule.needles}))


def _vendors(text: str, words: str, masker: Masker) -> str:
    """`words`: the long words of the text, with a space between them."""
    if not rare(_VENDOR_NEEDLES, words):
        return text
    for rule in VENDORS:
        for needle in rule.needles:
            if needle in words:
                if rule.pattern.search(words):
                    text = apply(rule, text, masker)
                break
    return text


@lru_cache(maxsize=4)
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
