"""What agents may ask of SkillClaw by the Model Context Protocol (`skillclaw mcp`). Only `server` needs its
SDK, the extra `mcp`; `searching` is also the search of the Python API.
"""
