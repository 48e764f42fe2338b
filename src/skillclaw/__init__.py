"""SkillClaw: the skills of LLM agents improve from real use."""

__version__ = "0.1.0"
