"""Spans in OTLP, as protobuf or as JSON. Needs the extra `otlp`, which has the messages' classes.

JSON is the protocol's mapping, not protobuf's: ids in hex, enumerations as numbers.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from skillclaw import __version__
from skillclaw.server.otlp.spans import CONVENTIONS, Span, Value

__all__ = ["as_json", "as_protobuf", "refused"]

SCHEMA = f"https://opentelemetry.io/schemas/{CONVENTIONS}"
_KINDS = {"internal": WireSpan.SPAN_KIND_INTERNAL, "client": WireSpan.SPAN_KIND_CLIENT}
_IDS = ("traceId", "spanId", "parentSpanId")


def as_protobuf(spans: Sequence[Span], resource: Mapping[str, str]) -> bytes:
    """The body of a request of OTLP/HTTP in binary protobuf."""
    return bytes(_request(spans, resource).SerializeToString(deterministic=True))


def as_json(spans: Sequence[Span], resource: Mapping[str, str]) -> bytes:
    """The same in JSON, on one line: a request's body, and a line of OpenTelemetry's files."""
    document = MessageToDict(_request(spans, resource), use_integers_for_enums=True)
    for one in document["resourceSpans"]:
        for scope in one["scopeSpans"]:
            for span in scope["spans"]:
                for name in _IDS:
                    if name in span:
                        span[name] = base64.b64decode(span[name]).hex()
    return msgspec.json.encode(document)


def refused(answer: bytes, *, json: bool) -> tuple[int, str]:
    """How many spans the collector says that it did not take, and why. What is no answer says nothing."""
    try:
        if json:
            said = msgspec.json.decode(answer or b"{}", type=_Answer).partial
            return max(0, int(said.rejected)), said.message
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
        return max(0, partial.rejected_spans), partial.error_message
    except (DecodeError, msgspec.MsgspecError, ValueError, RecursionError):
        return 0, ""


class _Partial(msgspec.Struct):
    # A 64-bit number is a string in protobuf's JSON.
    rejected: int | str = msgspec.field(name="rejectedSpans", default=0)
    message: str = msgspec.field(name="errorMessage", default="")


class _Answer(msgspec.Struct):
    partial: _Partial = msgspec.field(name="partialSuccess", default_factory=_Partial)


def _request(spans: Iterable[Span], resource: Mapping[str, str]) -> ExportTraceServiceRequest:
    scope = ScopeSpans(
        scope=InstrumentationScope(name="skillclaw", version=__version__),
        spans=[_wire(one) for one in spans],
        schema_url=SCHEMA,
    )
    where = Resource(attributes=_attributes(resource))
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=where, scope_spans=[scope], schema_url=SCHEMA)]
    )


def _wire(span: Span) -> WireSpan:
    return WireSpan(
        trace_id=span.trace,
        span_id=span.id,
        parent_span_id=span.parent,
        name=_text(span.name),
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=_attributes(span.attributes),
        status=Status(code=Status.STATUS_CODE_ERROR) if span.failed else None,
    )


def _attributes(values: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in sorted(values.items())]


def _value(value: Value) -> Any:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=max(-(2**63), min(value, 2**63 - 1)))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=_text(value))


def _text(text: str) -> str:
    """Protobuf takes no half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")
