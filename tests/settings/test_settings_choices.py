"""A wrong word is answered with the right ones."""

from __future__ import annotations

from pathlib import Path

from cli import fails


def test_a_wrong_word_is_answered_with_those_that_a_setting_takes(tmp_path: Path) -> None:
    told = fails("config", "set", "evolve.model.protocol", "soap", home=tmp_path, code=2)
    assert "It is one of: chat, responses, anthropic, gemini, bedrock." in told
    told = fails("config", "set", "evolve.budget.calls", "many", home=tmp_path, code=2)
    assert "one of" not in told
