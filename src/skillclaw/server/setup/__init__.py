"""How SkillClaw comes to a machine and goes again: what is here, what the user agreed to, agents wired up,
the start at login, and `uninstall`.
"""
