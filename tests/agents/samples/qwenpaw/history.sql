BEGIN TRANSACTION;
CREATE TABLE conversation_history (
                    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
                    session_id   TEXT NOT NULL,
                    agent_id     TEXT,
                    kind         TEXT NOT NULL,
                    role         TEXT,
                    name         TEXT,
                    content      TEXT,
                    tool_call_id TEXT,
                    tool_input   TEXT,
                    tool_state   TEXT,
                    headline     TEXT,
                    blocks       TEXT,
                    metadata     TEXT,
                    created_at   TEXT,
                    dedup_key    TEXT
                );
INSERT INTO "conversation_history" VALUES(1,'s1','default','context_msg','user',NULL,'# 引导模式

工作目录中存在 `BOOTSTRAP.md` — 首次设置。

1. 阅读 BOOTSTRAP.md，友好地表示初次见面，引导用户完成设置。
2. 按照 BOOTSTRAP.md 的指示，帮助用户定义你的身份和偏好。
3. 按指南创建/更新必要文件（PROFILE.md、MEMORY.md 等）。
4. 完成后删除 BOOTSTRAP.md。

如果用户希望跳过，直接回答下面的问题即可。

---



what does the owl say',NULL,NULL,NULL,NULL,'[{"type": "text", "text": "# \u5f15\u5bfc\u6a21\u5f0f\n\n\u5de5\u4f5c\u76ee\u5f55\u4e2d\u5b58\u5728 `BOOTSTRAP.md` \u2014 \u9996\u6b21\u8bbe\u7f6e\u3002\n\n1. \u9605\u8bfb BOOTSTRAP.md\uff0c\u53cb\u597d\u5730\u8868\u793a\u521d\u6b21\u89c1\u9762\uff0c\u5f15\u5bfc\u7528\u6237\u5b8c\u6210\u8bbe\u7f6e\u3002\n2. \u6309\u7167 BOOTSTRAP.md \u7684\u6307\u793a\uff0c\u5e2e\u52a9\u7528\u6237\u5b9a\u4e49\u4f60\u7684\u8eab\u4efd\u548c\u504f\u597d\u3002\n3. \u6309\u6307\u5357\u521b\u5efa/\u66f4\u65b0\u5fc5\u8981\u6587\u4ef6\uff08PROFILE.md\u3001MEMORY.md \u7b49\uff09\u3002\n4. \u5b8c\u6210\u540e\u5220\u9664 BOOTSTRAP.md\u3002\n\n\u5982\u679c\u7528\u6237\u5e0c\u671b\u8df3\u8fc7\uff0c\u76f4\u63a5\u56de\u7b54\u4e0b\u9762\u7684\u95ee\u9898\u5373\u53ef\u3002\n\n---\n\n\n\nwhat does the owl say", "id": "b55ca96585014be7a5b3d8760fd5703a", "created_at": "2026-11-26T09:26:02.383143", "finished_at": null}]','{"qwenpaw_tag": "external_user_query"}','2026-11-26T09:26:02.383206','e7d8af077dbc49589ab3bd415ccd8df4');
INSERT INTO "conversation_history" VALUES(2,'s1','default','model_turn','assistant','Skill','It says owl.','call_4_0','{"skill": "owl-skill"}',NULL,NULL,'[{"type": "tool_call", "id": "call_2_0", "name": "execute_shell_command", "input": "{\"command\": \"ls nope; exit 3\"}", "state": "finished", "suggested_rules": [], "created_at": "2026-11-26T09:26:03.214865", "finished_at": null}, {"type": "tool_call", "id": "call_4_0", "name": "Skill", "input": "{\"skill\": \"owl-skill\"}", "state": "finished", "suggested_rules": [], "created_at": "2026-11-26T09:26:03.488893", "finished_at": null}, {"type": "text", "text": "It says owl.", "id": "53ab59f0788047c2b8d27ae35cf53c53", "created_at": "2026-11-26T09:26:03.562437", "finished_at": null}]',NULL,'2026-11-26T09:26:03.229764','1258eb0e969e459c9669d83b84c40d27');
INSERT INTO "conversation_history" VALUES(3,'s1','default','tool_result','assistant','execute_shell_command','Command failed with exit code 3.
[stderr]
ls: cannot access ''nope'': No such file or directory','call_2_0',NULL,'success',NULL,'[{"type": "tool_result", "id": "call_2_0", "name": "execute_shell_command", "output": [{"type": "text", "text": "Command failed with exit code 3.\n[stderr]\nls: cannot access ''nope'': No such file or directory", "id": "944aeb91555b4bcfbe98649969aae816", "created_at": "2026-11-26T09:26:03.429005", "finished_at": null}], "state": "success", "metadata": {}, "created_at": "2026-11-26T09:26:03.432218", "finished_at": null}]',NULL,'2026-11-26T09:26:03.229764','call_2_0');
INSERT INTO "conversation_history" VALUES(4,'s1','default','tool_result','assistant','Skill','# Owl

1. Ask the owl.','call_4_0',NULL,'success',NULL,'[{"type": "tool_result", "id": "call_4_0", "name": "Skill", "output": [{"type": "text", "text": "# Owl\n\n1. Ask the owl.", "id": "12cc44c4ede34635a5ba099e353ebcce", "created_at": "2026-11-26T09:26:03.509875", "finished_at": null}], "state": "success", "metadata": {}, "created_at": "2026-11-26T09:26:03.517102", "finished_at": null}]',NULL,'2026-11-26T09:26:03.229764','call_4_0');
INSERT INTO "conversation_history" VALUES(5,'s1','default','context_msg','user',NULL,'and please go on',NULL,NULL,NULL,NULL,'[{"type": "text", "text": "and please go on", "id": "349396d2acbb4171bba3f47113003000", "created_at": "2026-11-26T09:26:03.626381", "finished_at": null}]','{"qwenpaw_tag": "external_user_query"}','2026-11-26T09:26:03.626431','94625e0896434fd18c89ded44d63c161');
INSERT INTO "conversation_history" VALUES(6,'s1','default','model_turn','assistant',NULL,'Fine: [{''type'': ''text'', ''text'': ''and please go',NULL,NULL,NULL,NULL,'[{"type": "text", "text": "Fine: [{''type'': ''text'', ''text'': ''and please go", "id": "0b95ffd9c73f4ff9a2c06aa2e0df1701", "created_at": "2026-11-26T09:26:04.232504", "finished_at": null}]',NULL,'2026-11-26T09:26:04.237367','32aead3650664e8a9ca5c55b340882cf');
INSERT INTO "conversation_history" VALUES(7,'s1','default','context_msg','user',NULL,'spawn it',NULL,NULL,NULL,NULL,'[{"type": "text", "text": "spawn it", "id": "304a981471794fc997ad1923637d4189", "created_at": "2026-11-26T09:26:04.298005", "finished_at": null}]','{"qwenpaw_tag": "external_user_query"}','2026-11-26T09:26:04.298046','905d7a6de21d4344ad0e7b03653ac590');
INSERT INTO "conversation_history" VALUES(8,'s1','default','model_turn','assistant','spawn_subagent','Spawned.','call_10_0','{"task": "count the owls"}',NULL,NULL,'[{"type": "tool_call", "id": "call_10_0", "name": "spawn_subagent", "input": "{\"task\": \"count the owls\"}", "state": "finished", "suggested_rules": [], "created_at": "2026-11-26T09:26:04.566040", "finished_at": null}, {"type": "text", "text": "Spawned.", "id": "e20c9ebd2fb74c48b9e64133e02a2dd4", "created_at": "2026-11-26T09:26:05.657406", "finished_at": null}]',NULL,'2026-11-26T09:26:04.568902','f578320563f146598d69b2a5a03263ee');
INSERT INTO "conversation_history" VALUES(9,'sub-6ff4ff81','default','context_msg','user',NULL,'count the owls',NULL,NULL,NULL,NULL,'[{"type": "text", "text": "count the owls", "id": "3ad1fd9c19f9491f8e91c619feaccc17", "created_at": "2026-11-26T09:26:04.724152", "finished_at": null}]','{"qwenpaw_tag": "external_user_query"}','2026-11-26T09:26:04.724208','181f983a140e4ac98420e409fb5a8163');
INSERT INTO "conversation_history" VALUES(10,'sub-6ff4ff81','default','model_turn','assistant','Skill','It says owl.','call_4_0','{"skill": "owl-skill"}',NULL,NULL,'[{"type": "tool_call", "id": "call_2_0", "name": "execute_shell_command", "input": "{\"command\": \"ls nope; exit 3\"}", "state": "finished", "suggested_rules": [], "created_at": "2026-11-26T09:26:05.193085", "finished_at": null}, {"type": "tool_call", "id": "call_4_0", "name": "Skill", "input": "{\"skill\": \"owl-skill\"}", "state": "finished", "suggested_rules": [], "created_at": "2026-11-26T09:26:05.357397", "finished_at": null}, {"type": "text", "text": "It says owl.", "id": "fd9aaa562f274547a63f702081b431c3", "created_at": "2026-11-26T09:26:05.482198", "finished_at": null}]',NULL,'2026-11-26T09:26:05.197871','df7641fa19814c4593c839f4d2559c13');
INSERT INTO "conversation_history" VALUES(11,'sub-6ff4ff81','default','tool_result','assistant','execute_shell_command','Command failed with exit code 3.
[stderr]
ls: cannot access ''nope'': No such file or directory','call_2_0',NULL,'success',NULL,'[{"type": "tool_result", "id": "call_2_0", "name": "execute_shell_command", "output": [{"type": "text", "text": "Command failed with exit code 3.\n[stderr]\nls: cannot access ''nope'': No such file or directory", "id": "6db0fed861b8411591307f1d22cf68d8", "created_at": "2026-11-26T09:26:05.278872", "finished_at": null}], "state": "success", "metadata": {}, "created_at": "2026-11-26T09:26:05.280887", "finished_at": null}]',NULL,'2026-11-26T09:26:05.197871','call_2_0');
INSERT INTO "conversation_history" VALUES(12,'sub-6ff4ff81','default','tool_result','assistant','Skill','# Owl

1. Ask the owl.','call_4_0',NULL,'success',NULL,'[{"type": "tool_result", "id": "call_4_0", "name": "Skill", "output": [{"type": "text", "text": "# Owl\n\n1. Ask the owl.", "id": "b08e73eafe074d3d9778a7208054987b", "created_at": "2026-11-26T09:26:05.381828", "finished_at": null}], "state": "success", "metadata": {}, "created_at": "2026-11-26T09:26:05.396078", "finished_at": null}]',NULL,'2026-11-26T09:26:05.197871','call_4_0');
INSERT INTO "conversation_history" VALUES(13,'s1','default','tool_result','assistant','spawn_subagent','[SESSION: sub-6ff4ff81]

It says owl.','call_10_0',NULL,'success',NULL,'[{"type": "tool_result", "id": "call_10_0", "name": "spawn_subagent", "output": [{"type": "text", "text": "[SESSION: sub-6ff4ff81]\n\nIt says owl.", "id": "d9dc80822d284c91b5120f7aa62296d1", "created_at": "2026-11-26T09:26:05.561648", "finished_at": null}], "state": "success", "metadata": {}, "created_at": "2026-11-26T09:26:05.568010", "finished_at": null}]',NULL,'2026-11-26T09:26:04.568902','call_10_0');
COMMIT;
