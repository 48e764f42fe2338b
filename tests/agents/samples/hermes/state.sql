BEGIN TRANSACTION;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions(id),
    role TEXT NOT NULL,
    content TEXT,
    tool_call_id TEXT,
    tool_calls TEXT,
    tool_name TEXT,
    effect_disposition TEXT,
    timestamp REAL NOT NULL,
    token_count INTEGER,
    finish_reason TEXT,
    reasoning TEXT,
    reasoning_content TEXT,
    reasoning_details TEXT,
    codex_reasoning_items TEXT,
    codex_message_items TEXT,
    platform_message_id TEXT,
    observed INTEGER DEFAULT 0,
    active INTEGER NOT NULL DEFAULT 1,
    compacted INTEGER NOT NULL DEFAULT 0,
    api_content TEXT
);
INSERT INTO "messages" VALUES(1,'20261126_084018_940586','user','what does the owl say',NULL,NULL,NULL,NULL,1.79568243397150468826e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(2,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_2_0", "call_id": "call_2_0", "response_item_id": "fc_2_0", "type": "function", "function": {"name": "skill_view", "arguments": "{\"name\": \"owl-skill\"}"}}]',NULL,NULL,1.79568243490435719487e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(3,'20261126_084018_940586','tool','{"success": true, "name": "owl-skill", "description": "What the owl says and how to ask it", "tags": [], "related_skills": [], "content": "---\nname: owl-skill\ndescription: What the owl says and how to ask it\n---\n# Owl\n\n1. Ask the owl.\n", "path": "owl-skill/SKILL.md", "skill_dir": "/home/ada/.hermes/skills/owl-skill", "linked_files": null, "usage_hint": null, "required_environment_variables": [], "required_commands": [], "missing_required_environment_variables": [], "missing_credential_files": [], "missing_required_commands": [], "setup_needed": false, "setup_skipped": false, "readiness_status": "available"}','call_2_0',NULL,'skill_view',NULL,1795682434.95596,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(4,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_4_0", "call_id": "call_4_0", "response_item_id": "fc_4_0", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"ls nope\"}"}}]',NULL,NULL,1.79568243528030204768e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(5,'20261126_084018_940586','tool','{"output": "ls: cannot access ''nope'': No such file or directory", "exit_code": 2, "error": null}','call_4_0',NULL,'terminal',NULL,1.79568243542923331257e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(6,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_6_0", "call_id": "call_6_0", "response_item_id": "fc_6_0", "type": "function", "function": {"name": "read_file", "arguments": "{\"path\": \"missing.txt\"}"}}]',NULL,NULL,1.79568243573012423512e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(7,'20261126_084018_940586','tool','{"content": "", "total_lines": 0, "file_size": 0, "truncated": false, "is_binary": false, "is_image": false, "error": "File not found: missing.txt"}','call_6_0',NULL,'read_file',NULL,1.79568243583500933647e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(8,'20261126_084018_940586','assistant','It says owl.',NULL,NULL,NULL,NULL,1.79568243613299131393e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(9,'20261126_084018_940586','user','please delegate this',NULL,NULL,NULL,NULL,1.79568244301140308378e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(10,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_10_0", "call_id": "call_10_0", "response_item_id": "fc_10_0", "type": "function", "function": {"name": "delegate_task", "arguments": "{\"goal\": \"count the owls\", \"context\": \"none\"}"}}]',NULL,NULL,1.79568244343648028378e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(11,'20261126_084018_940586','tool','{"status": "dispatched", "mode": "background", "count": 1, "delegation_id": "deleg_680a261a", "goals": ["count the owls"], "note": "Subagent is running in the background. You and the user can keep working; its full result re-enters the conversation as a new message when it finishes. Do not wait or poll — just continue.", "live_transcripts": ["/home/ada/.hermes/cache/delegation/live/deleg_680a261a/task-0.log"], "live_transcripts_hint": "Each subagent streams a human-readable transcript of its operations to the file listed above (append-only, one per task). Read or `tail -f` these paths at any time to watch a child work while it runs."}','call_10_0',NULL,'delegate_task',NULL,1.79568244396762561796e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(12,'20261126_084043_417134','user','count the owls',NULL,NULL,NULL,NULL,1.79568244421655654908e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(13,'20261126_084018_940586','assistant','Delegated fine.',NULL,NULL,NULL,NULL,1.79568244445312213898e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(14,'20261126_084043_417134','assistant','',NULL,'[{"id": "call_2_0", "call_id": "call_2_0", "response_item_id": "fc_2_0", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"echo two; exit 2\"}"}}]',NULL,NULL,1.79568244468714833259e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(15,'20261126_084043_417134','tool','{"output": "two", "exit_code": 2, "error": null}','call_2_0',NULL,'terminal',NULL,1.79568244474095726017e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(16,'20261126_084043_417134','assistant','Child report: two owls.',NULL,NULL,NULL,NULL,1.79568244544050717352e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(17,'20261126_084018_940586','user','[ASYNC DELEGATION BATCH COMPLETE — deleg_680a261a]
A background fan-out of 1 subagent(s) you dispatched earlier has finished. All ran in parallel and  (...)
--- ✓ TASK 1/1: count the owls  (status=completed, api_calls=2, 1.48s) ---
Child report: two owls.
Full live transcript (complete tool/assistant trace): /home/ada/.hermes/cache/delegation/live/deleg_680a261a/task-0.log',NULL,NULL,NULL,NULL,1.79568244559745407102e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(18,'20261126_084018_940586','assistant','The child came back with 2.',NULL,NULL,NULL,NULL,1.7956824461368014812e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(19,'20261126_084018_940586','user','[IMPORTANT: The user has invoked the "owl-skill" skill, indicating they want you to follow its instructions. The full skill content is loaded below.]

---
name: owl-skill
description: What the owl says and how to ask it
---
# Owl

1. Ask the owl.

[Skill directory: /home/ada/.hermes/skills/owl-skill]
Resolve any relative paths in this skill (e.g. `scripts/foo.js`, `templates/config.yaml`) against that directory, then run them with the terminal tool using the absolute path.

The user has provided the following instruction alongside the skill invocation: and be kind',NULL,NULL,NULL,NULL,1.7956824555459365845e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(20,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_16_0", "call_id": "call_16_0", "response_item_id": "fc_16_0", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"echo hoot\"}"}}]',NULL,NULL,1.7956824557957293988e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(21,'20261126_084018_940586','tool','{"output": "hoot", "exit_code": 0, "error": null}','call_16_0',NULL,'terminal',NULL,1795682455.84736,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(22,'20261126_084018_940586','assistant','Asked it: hoot.',NULL,NULL,NULL,NULL,1.79568245612412977219e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(23,'20261126_084018_940586','user','what does the owl say',NULL,NULL,NULL,NULL,1.79568246649284362793e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(24,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_2_0", "call_id": "call_2_0", "response_item_id": "fc_2_0", "type": "function", "function": {"name": "skill_view", "arguments": "{\"name\": \"owl-skill\"}"}}]',NULL,NULL,1.79568246649284458159e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(25,'20261126_084018_940586','tool','{"success": true, "name": "owl-skill", "description": "What the owl says and how to ask it", "tags": [], "related_skills": [], "content": "---\nname: owl-skill\ndescription: What the owl says and how to ask it\n---\n# Owl\n\n1. Ask the owl.\n", "path": "owl-skill/SKILL.md", "skill_dir": "/home/ada/.hermes/skills/owl-skill", "linked_files": null, "usage_hint": null, "required_environment_variables": [], "required_commands": [], "missing_required_environment_variables": [], "missing_credential_files": [], "missing_required_commands": [], "setup_needed": false, "setup_skipped": false, "readiness_status": "available"}','call_2_0',NULL,'skill_view',NULL,1.79568246649284553526e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(26,'20261126_084018_940586','user','[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into the summ (...)
## Summary
The owl was asked; it says hoot.

--- END OF CONT',NULL,NULL,NULL,NULL,1.79568246649284648892e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(27,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_10_0", "call_id": "call_10_0", "response_item_id": "fc_10_0", "type": "function", "function": {"name": "delegate_task", "arguments": "{\"goal\": \"count the owls\", \"context\": \"none\"}"}}]',NULL,NULL,1.79568246649284744267e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(28,'20261126_084018_940586','tool','{"status": "dispatched", "mode": "background", "count": 1, "delegation_id": "deleg_680a261a", "goals": ["count the owls"], "note": "Subagent is running in the background. You and the user can keep working; its full result re-enters the conversation as a new message when it finishes. Do not wait or poll — just continue.", "live_transcripts": ["/home/ada/.hermes/cache/delegation/live/deleg_680a261a/task-0.log"], "live_transcripts_hint": "Each subagent streams a human-readable transcript of its operations to the file listed above (append-only, one per task). Read or `tail -f` these paths at any time to watch a child work while it runs."}','call_10_0',NULL,'delegate_task',NULL,1.79568246649284839634e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(29,'20261126_084018_940586','assistant','Delegated fine.',NULL,NULL,NULL,NULL,1.79568246649284935e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(30,'20261126_084018_940586','user','[ASYNC DELEGATION BATCH COMPLETE — deleg_680a261a]
A background fan-out of 1 subagent(s) you dispatched earlier has finished. All ran in parallel and  (...)
--- ✓ TASK 1/1: count the owls  (status=completed, api_calls=2, 1.48s) ---
Child report: two owls.
Full live transcript (complete tool/assistant trace): /home/ada/.hermes/cache/delegation/live/deleg_680a261a/task-0.log',NULL,NULL,NULL,NULL,1.79568246649285030366e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(31,'20261126_084018_940586','assistant','The child came back with 2.',NULL,NULL,NULL,NULL,1.79568246649285125733e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(32,'20261126_084018_940586','user','[IMPORTANT: The user has invoked the "owl-skill" skill, indicating they want you to follow its instructions. The full skill content is loaded below.]

---
name: owl-skill
description: What the owl says and how to ask it
---
# Owl

1. Ask the owl.

[Skill directory: /home/ada/.hermes/skills/owl-skill]
Resolve any relative paths in this skill (e.g. `scripts/foo.js`, `templates/config.yaml`) against that directory, then run them with the terminal tool using the absolute path.

The user has provided the following instruction alongside the skill invocation: and be kind',NULL,NULL,NULL,NULL,1.79568246649285221099e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(33,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_16_0", "call_id": "call_16_0", "response_item_id": "fc_16_0", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"echo hoot\"}"}}]',NULL,NULL,1.79568246649285316466e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(34,'20261126_084018_940586','tool','{"output": "hoot", "exit_code": 0, "error": null}','call_16_0',NULL,'terminal',NULL,1.79568246649285411832e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(35,'20261126_084018_940586','assistant','Asked it: hoot.',NULL,NULL,NULL,NULL,1.79568246649285507198e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(36,'20261126_084018_940586','user','and after compress',NULL,NULL,NULL,NULL,1.79568247526651167868e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(37,'20261126_084018_940586','assistant','Fine: and after compress',NULL,NULL,NULL,NULL,1.79568247585079789159e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(38,'20261126_084018_940586','user','make a skill',NULL,NULL,NULL,NULL,1.79568248266903543472e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL);
INSERT INTO "messages" VALUES(39,'20261126_084018_940586','assistant','',NULL,'[{"id": "call_17_0", "call_id": "call_17_0", "response_item_id": "fc_17_0", "type": "function", "function": {"name": "skill_manage", "arguments": "{\"action\": \"create\", \"name\": \"own-skill\", \"category\": \"devops\", \"content\": \"---\\nname: own-skill\\ndescription: What own skill does\\n---\\n# Own\\n\\n1. Do own.\\n\"}"}}]',NULL,NULL,1.79568248306690168378e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL);
INSERT INTO "messages" VALUES(40,'20261126_084018_940586','tool','{"success": true, "message": "Skill ''own-skill'' created.", "path": "devops/own-skill", "skill_md": "/home/ada/.hermes/skills/devops/own-skill/SKILL.md", "_change": {"description": "What own skill does"}, "category": "devops", "hint": "To add reference files, templates, or scripts, use skill_manage(action=''write_file'', name=''own-skill'', file_path=''references/example.md'', file_content=''...'')"}','call_17_0',NULL,'skill_manage',NULL,1.79568248308114790921e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL);
INSERT INTO "messages" VALUES(41,'20261126_084018_940586','assistant','Made.',NULL,NULL,NULL,NULL,1.79568248350943970685e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    user_id TEXT,
    session_key TEXT,
    chat_id TEXT,
    chat_type TEXT,
    thread_id TEXT,
    display_name TEXT,
    origin_json TEXT,
    expiry_finalized INTEGER DEFAULT 0,
    model TEXT,
    model_config TEXT,
    system_prompt TEXT,
    parent_session_id TEXT,
    started_at REAL NOT NULL,
    ended_at REAL,
    end_reason TEXT,
    message_count INTEGER DEFAULT 0,
    tool_call_count INTEGER DEFAULT 0,
    input_tokens INTEGER DEFAULT 0,
    output_tokens INTEGER DEFAULT 0,
    cache_read_tokens INTEGER DEFAULT 0,
    cache_write_tokens INTEGER DEFAULT 0,
    reasoning_tokens INTEGER DEFAULT 0,
    cwd TEXT,
    git_branch TEXT,
    git_repo_root TEXT,
    billing_provider TEXT,
    billing_base_url TEXT,
    billing_mode TEXT,
    estimated_cost_usd REAL,
    actual_cost_usd REAL,
    cost_status TEXT,
    cost_source TEXT,
    pricing_version TEXT,
    title TEXT,
    api_call_count INTEGER DEFAULT 0,
    handoff_state TEXT,
    handoff_platform TEXT,
    handoff_error TEXT,
    compression_failure_cooldown_until REAL,
    compression_failure_error TEXT,
    compression_fallback_streak INTEGER NOT NULL DEFAULT 0,
    profile_name TEXT,
    rewind_count INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (parent_session_id) REFERENCES sessions(id)
);
INSERT INTO "sessions" VALUES('20261126_084018_940586','cli',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'fake-model','{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}','You are Hermes Agent, an intelligent AI assistant created by Nous Research. You are helpful, knowledgeable, and direct. You assist users with a wide range of ta (...)

## Skills (mandatory)
Before replying, scan the skills below. If a skill matches (...)

<available_skills>
  owl-skill:
    - owl-skill: What the owl says and how to ask it
</available_skills>

Host: Linux (6.18.44-fc-v657)
User home directory: /home/ada
Current working directory: /home/ada/birds

Conversation started: Thursday, November 26, 2026
Model: fake-model
Provider: custom',NULL,1.79568243396249175073e+09,1.79568252831295490268e+09,'cli_close',19,4,1200,120,0,0,0,'/home/ada/birds',NULL,NULL,'custom','http://127.0.0.1:8000/v1',NULL,0.0,NULL,'unknown','none',NULL,'Asking the owl',12,NULL,NULL,NULL,NULL,NULL,0,NULL,1,0);
INSERT INTO "sessions" VALUES('20261126_084043_417134','subagent',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'fake-model','{"max_iterations": 50, "reasoning_config": null, "max_tokens": null, "_delegate_from": "20261126_084018_940586"}','You are Hermes Agent, an intelligent AI assistant created by Nous Research. You are helpful, knowledgeable, and direct. You assist users with a wide range of ta (...)

## Skills (mandatory)
Before replying, scan the skills below. If a skill matches (...)

<available_skills>
  owl-skill:
    - owl-skill: What the owl says and how to ask it
</available_skills>

Host: Linux (6.18.44-fc-v657)
User home directory: /home/ada
Current working directory: /home/ada/birds

Conversation started: Thursday, November 26, 2026
Model: fake-model
Provider: custom','20261126_084018_940586',1.79568244421287107471e+09,1.79568244544545316697e+09,'agent_close',4,1,200,20,0,0,0,NULL,NULL,NULL,'custom','http://127.0.0.1:8000/v1',NULL,0.0,NULL,'unknown','none',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,0,NULL,0,0);
CREATE TABLE state_meta (
    key TEXT PRIMARY KEY,
    value TEXT
);
INSERT INTO "state_meta" VALUES('note','kept by Hermes for itself');
COMMIT;
