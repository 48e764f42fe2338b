"""Sessions as OpenTelemetry traces, by the conventions for generative AI (docs/opentelemetry.md).

`exporting` is the door: it asks the rules of sharing, has each session masked as for a group's hub, and gives
its spans to a collector or a file. `spans` and `content` are pure; only `encoding` needs the extra `otlp`.
"""
