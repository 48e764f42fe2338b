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
INSERT INTO "messages" VALUES(1,'20261126_091628_e38f66','user','what does the owl say',NULL,NULL,NULL,NULL,1.79568460052184772487e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(2,'20261126_091628_e38f66','assistant','',NULL,'[{"id": "call_2_0", "call_id": "call_2_0", "response_item_id": "fc_2_0", "type": "function", "function": {"name": "skill_view", "arguments": "{\"name\": \"owl-skill\"}"}}]',NULL,NULL,1.79568460120833253866e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(3,'20261126_091628_e38f66','tool','{"success": true, "name": "owl-skill", "description": "What the owl says and how to ask it", "tags": [], "related_skills": [], "content": "---\nname: owl-skill\ndescription: What the owl says and how to ask it\n---\n# Owl\n\n1. Ask the owl.\n", "path": "owl-skill/SKILL.md", "skill_dir": "/home/ada/.hermes/skills/owl-skill", "linked_files": null, "usage_hint": null, "required_environment_variables": [], "required_commands": [], "missing_required_environment_variables": [], "missing_credential_files": [], "missing_required_commands": [], "setup_needed": false, "setup_skipped": false, "readiness_status": "available"}','call_2_0',NULL,'skill_view',NULL,1.79568460124468088148e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(4,'20261126_091628_e38f66','assistant','',NULL,'[{"id": "call_4_0", "call_id": "call_4_0", "response_item_id": "fc_4_0", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"ls nope\"}"}}]',NULL,NULL,1.79568460153206086154e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(5,'20261126_091628_e38f66','tool','{"output": "ls: cannot access ''nope'': No such file or directory", "exit_code": 2, "error": null}','call_4_0',NULL,'terminal',NULL,1.79568460162595677376e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(6,'20261126_091628_e38f66','assistant','',NULL,'[{"id": "call_6_0", "call_id": "call_6_0", "response_item_id": "fc_6_0", "type": "function", "function": {"name": "read_file", "arguments": "{\"path\": \"missing.txt\"}"}}]',NULL,NULL,1.79568460195667457587e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(7,'20261126_091628_e38f66','tool','{"content": "", "total_lines": 0, "file_size": 0, "truncated": false, "is_binary": false, "is_image": false, "error": "File not found: missing.txt"}','call_6_0',NULL,'read_file',NULL,1.79568460207284593581e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(8,'20261126_091628_e38f66','assistant','It says owl.',NULL,NULL,NULL,NULL,1.79568460235805082321e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(9,'20261126_091628_e38f66','user','hello one',NULL,NULL,NULL,NULL,1.79568460932679080962e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(10,'20261126_091628_e38f66','assistant','Fine: hello one',NULL,NULL,NULL,NULL,1.79568460973328232772e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(11,'20261126_091628_e38f66','user','hello two',NULL,NULL,NULL,NULL,1.79568461647788596155e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(12,'20261126_091628_e38f66','assistant','Fine: hello two',NULL,NULL,NULL,NULL,1.79568461703770899775e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(13,'20261126_091628_e38f66','user','what does the owl say',NULL,NULL,NULL,NULL,1.79568462433276510243e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(14,'20261126_091628_e38f66','assistant','',NULL,'[{"id": "call_2_0", "call_id": "call_2_0", "response_item_id": "fc_2_0", "type": "function", "function": {"name": "skill_view", "arguments": "{\"name\": \"owl-skill\"}"}}]',NULL,NULL,1.79568462433276605609e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(15,'20261126_091628_e38f66','tool','{"success": true, "name": "owl-skill", "description": "What the owl says and how to ask it", "tags": [], "related_skills": [], "content": "---\nname: owl-skill\ndescription: What the owl says and how to ask it\n---\n# Owl\n\n1. Ask the owl.\n", "path": "owl-skill/SKILL.md", "skill_dir": "/home/ada/.hermes/skills/owl-skill", "linked_files": null, "usage_hint": null, "required_environment_variables": [], "required_commands": [], "missing_required_environment_variables": [], "missing_credential_files": [], "missing_required_commands": [], "setup_needed": false, "setup_skipped": false, "readiness_status": "available"}','call_2_0',NULL,'skill_view',NULL,1.79568462433276700975e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(16,'20261126_091628_e38f66','user','[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into the summ (...)
## Summary
The owl was asked; it says hoot.

--- END OF CONT',NULL,NULL,NULL,NULL,1.79568462433276796342e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(17,'20261126_091628_e38f66','assistant','',NULL,'[{"id": "call_6_0", "call_id": "call_6_0", "response_item_id": "fc_6_0", "type": "function", "function": {"name": "read_file", "arguments": "{\"path\": \"missing.txt\"}"}}]',NULL,NULL,1.79568462433276891708e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(18,'20261126_091628_e38f66','tool','{"content": "", "total_lines": 0, "file_size": 0, "truncated": false, "is_binary": false, "is_image": false, "error": "File not found: missing.txt"}','call_6_0',NULL,'read_file',NULL,1.79568462433276987075e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(19,'20261126_091628_e38f66','assistant','It says owl.',NULL,NULL,NULL,NULL,1.79568462433277082441e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(20,'20261126_091628_e38f66','user','hello one',NULL,NULL,NULL,NULL,1.79568462433277177808e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(21,'20261126_091628_e38f66','assistant','Fine: hello one',NULL,NULL,NULL,NULL,1.79568462433277273174e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(22,'20261126_091628_e38f66','user','hello two',NULL,NULL,NULL,NULL,1.7956846243327736854e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(23,'20261126_091628_e38f66','assistant','Fine: hello two',NULL,NULL,NULL,NULL,1.79568462433277463916e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(24,'20261126_091628_e38f66','user','after first',NULL,NULL,NULL,NULL,1.79568463207941508286e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(25,'20261126_091628_e38f66','assistant','Fine: after first',NULL,NULL,NULL,NULL,1.79568463235031342507e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(26,'20261126_091628_e38f66','user','hello two',NULL,NULL,NULL,NULL,1.79568465870675015444e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(27,'20261126_091628_e38f66','assistant','Fine: hello two',NULL,NULL,NULL,NULL,1.79568466029357552528e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,0,1,NULL);
INSERT INTO "messages" VALUES(28,'20261126_091628_e38f66','user','what does the owl say',NULL,NULL,NULL,NULL,1.79568462433276510243e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(29,'20261126_091628_e38f66','assistant','',NULL,'[{"id": "call_2_0", "call_id": "call_2_0", "response_item_id": "fc_2_0", "type": "function", "function": {"name": "skill_view", "arguments": "{\"name\": \"owl-skill\"}"}}]',NULL,NULL,1.79568462433276605609e+09,NULL,'tool_calls',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(30,'20261126_091628_e38f66','tool','{"success": true, "name": "owl-skill", "description": "What the owl says and how to ask it", "tags": [], "related_skills": [], "content": "---\nname: owl-skill\ndescription: What the owl says and how to ask it\n---\n# Owl\n\n1. Ask the owl.\n", "path": "owl-skill/SKILL.md", "skill_dir": "/home/ada/.hermes/skills/owl-skill", "linked_files": null, "usage_hint": null, "required_environment_variables": [], "required_commands": [], "missing_required_environment_variables": [], "missing_credential_files": [], "missing_required_commands": [], "setup_needed": false, "setup_skipped": false, "readiness_status": "available"}','call_2_0',NULL,'skill_view',NULL,1.79568462433276700975e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(31,'20261126_091628_e38f66','assistant','[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into the summ (...)
## Summary
The owl was asked; it says hoot.

--- END OF CONT',NULL,NULL,NULL,NULL,1.79568466509102058412e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(32,'20261126_091628_e38f66','user','hello one',NULL,NULL,NULL,NULL,1.79568462433277177808e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(33,'20261126_091628_e38f66','assistant','Fine: hello one',NULL,NULL,NULL,NULL,1.79568462433277273174e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(34,'20261126_091628_e38f66','user','hello two',NULL,NULL,NULL,NULL,1.7956846243327736854e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(35,'20261126_091628_e38f66','assistant','Fine: hello two',NULL,NULL,NULL,NULL,1.79568462433277463916e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(36,'20261126_091628_e38f66','user','after first',NULL,NULL,NULL,NULL,1.79568463207941508286e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(37,'20261126_091628_e38f66','assistant','Fine: after first',NULL,NULL,NULL,NULL,1.79568463235031342507e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(38,'20261126_091628_e38f66','user','hello two',NULL,NULL,NULL,NULL,1.79568466509102725977e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(39,'20261126_091628_e38f66','assistant','Fine: hello two',NULL,NULL,NULL,NULL,1.79568466509102821343e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(40,'20261126_091628_e38f66','user','after second',NULL,NULL,NULL,NULL,1.7956846729170360565e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
INSERT INTO "messages" VALUES(41,'20261126_091628_e38f66','assistant','Fine: after second',NULL,NULL,NULL,NULL,1.79568467326179599758e+09,NULL,'stop',NULL,NULL,NULL,NULL,NULL,NULL,0,1,0,NULL);
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
INSERT INTO "sessions" VALUES('20261126_091628_e38f66','cli',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'fake-model','{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}','You are Hermes Agent, an intelligent AI assistant created by Nous Research. You are helpful, knowledgeable, and direct. You assist users with a wide range of ta (...)

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
Provider: custom',NULL,1.79568460051107859614e+09,1795684680.15408,'cli_close',14,1,900,90,0,0,0,'/home/ada/birds',NULL,NULL,'custom','http://127.0.0.1:8000/v1',NULL,0.0,NULL,'unknown','none',NULL,'Asking the owl',9,NULL,NULL,NULL,NULL,NULL,0,NULL,0,0);
CREATE TABLE state_meta (
    key TEXT PRIMARY KEY,
    value TEXT
);
INSERT INTO "state_meta" VALUES('note','kept by Hermes for itself');
COMMIT;
