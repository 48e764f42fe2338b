"""Texts of one meaning are nearer than others, without a network."""

from skillclaw.evolve.embeddings_local import StaticEmbedder

one, same, other = StaticEmbedder.load().embed(
    ["Fix the failing unit test", "A unit test fails, mend it", "Book a flight to Rome"]
)
assert float(one @ same) > float(one @ other) + 0.2, (float(one @ same), float(one @ other))
