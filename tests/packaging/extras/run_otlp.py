"""A session goes out as a trace."""

import json
import subprocess
import sys
from pathlib import Path

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

skillclaw = str(Path(sys.executable).with_name("skillclaw"))
steps = [
    {"step_id": 1, "source": "user", "message": "Hello?", "timestamp": "2026-03-01T10:00:00Z"},
    {"step_id": 2, "source": "agent", "message": "Hello.", "timestamp": "2026-03-01T10:00:02Z"},
]
session = {"schema_version": "ATIF-v1.8", "agent": {"name": "bot", "version": "1"}, "steps": steps}
Path("session.json").write_text(json.dumps(session))
subprocess.run([skillclaw, "import", "session.json"], check=True)
subprocess.run([skillclaw, "sessions", "export", "--otlp", "out.jsonl", "--which", "own"], check=True)
line = Path("out.jsonl").read_text().splitlines()[0]
sent = json_format.Parse(line, ExportTraceServiceRequest())
assert sent.resource_spans, line[:300]
