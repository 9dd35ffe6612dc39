"""The description, OpenAPI 3.1: made from the operations, the records and the catalogue, never by hand.

    python -m samband.connectors.rest.openapi > docs/openapi.json

The same document is served at `/openapi.json`. A message type's content is described in full, so that a generated
client has a class for each.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from samband.connectors.rest import shapes
from samband.connectors.rest.calls import Operation
from samband.connectors.rest.files import NAMED
from samband.connectors.rest.once import KEY_FORM
from samband.connectors.rest.problems import PROBLEM
from samband.connectors.rest.settings import Scope
from samband.schemas.attachment import MOST_FILES
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.examples import example
from samband.schemas.json_schema import content_json_schema, schema_name
from samband.schemas.media_types import KINDS
from samband.schemas.version import VERSION

__all__ = ["document", "written"]

_REF: Final = "#/components/schemas/{name}"
_BINARY: Final = {"type": "string", "contentEncoding": "binary"}
_CHILD: Final = "201703309812"
_ID: Final = "7d0f5b1c9a3e4f62b8d1c0a9e7f6d5c4"
_SCOPES: Final = {
    Scope.SEND: "send, ask, track and recall; see units and types",
    Scope.INBOX: "list, fetch and acknowledge what came",
    Scope.CONSENTS: "record what families consent to and take back",
    Scope.CIRCLE: "say and see the units around a child",
    Scope.PROTECTED: "read what is held back, for a stated reason that is recorded",
}
_TAGS: Final = {
    "messages": "Say something, ask first, see what became of it",
    "inbox": "What came: fetch it, and say that you have it",
    "events": "What happens, as a stream or by long poll",
    "consents": "What a family has consented to, and takes back",
    "circle": "The units around a child",
    "directory": "Whom to write to, and what a message may hold",
    "service": "Access, this description, and health",
}
_PROBLEMS: Final = {
    400: "the request cannot be read",
    401: "no valid access token",
    403: "the client has not the scope",
    404: "there is no such thing",
    408: "the body came too slowly",
    409: "not in this state",
    410: "recalled, refused or erased",
    413: "the body is too large",
    415: "the body's form is not taken",
    422: "well-formed, and cannot be carried out; `errors` say where",
    429: "too often; `Retry-After` says when",
    503: "not now; the same request later",
}
_ALWAYS: Final = (400, 401, 403, 429, 503)
_WITH_BODY: Final = (413, 415, 422)
_ABOUT: Final = """Messages about children between Swedish public services; no hand-over without a decision.

This is the interface of *your own* connector: keys and contents stay on your machine. Get a token with client
credentials, send with an `Idempotency-Key`, list what came, fetch it, and acknowledge it when it is durably yours."""


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the description as JSON values."""
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    paths |= _service()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Samband", "version": VERSION, "description": _ABOUT, "license": {
            "name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/", "description": "your connector, by default http://127.0.0.1:8460"}],
        "tags": [{"name": name, "description": about} for name, about in _TAGS.items()],
        "security": [{"oauth2": []}, {"mutualTLS": []}],
        "paths": dict(sorted(paths.items())),
        "webhooks": {"delivery": _webhook()},
        "components": {
            "schemas": dict(sorted(_schemas(operations).items())),
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": {
                        scope.value: about for scope, about in _SCOPES.items()}}},
                },
                "mutualTLS": {"type": "mutualTLS", "description": "a client certificate that the party has named"},
            },
        },
    }  # fmt: skip


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    records = {each.body for each in operations} | {each.answer for each in operations}
    records |= {shapes.Problem, shapes.Token, shapes.TokenProblem, shapes.Health, shapes.Event}
    found = msgspec.json.schema_components(
        sorted((each for each in records if each not in (None, bytes)), key=lambda each: each.__name__),
        ref_template=_REF,
    )[1]
    for name, schema in found.items():
        schema.pop("title", None)
        _no_default_null(schema)
        if name == "Send":
            schema["oneOf"] = [_sent(type_name) for type_name in _types()]
    for type_name in _types():
        found[f"{schema_name(type_name)}Content"] = content_json_schema(type_name)
    return found


def _no_default_null(schema: dict[str, Any]) -> None:
    for each in schema.get("properties", {}).values():
        if each.get("default", "") is None:
            del each["default"]


def _types() -> list[str]:
    return [name for name, row in CATALOGUE.items() if row.carries_content]


def _sent(type_name: str) -> dict[str, Any]:
    return {
        "title": type_name,
        "properties": {
            "type": {"const": type_name},
            "content": {"$ref": _REF.format(name=f"{schema_name(type_name)}Content")},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    written: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": [{"oauth2": [operation.scope.value] if operation.scope else []}, {"mutualTLS": []}],
    }
    if operation.about:
        written["description"] = operation.about
    if parameters := _parameters(operation):
        written["parameters"] = parameters
    if operation.body is not None:
        written["requestBody"] = _body(operation)
    written["responses"] = _responses(operation)
    return written


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if "{id}" in operation.path:
        form = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
        found.append({"name": "id", "in": "path", "required": True, "schema": form, "example": _ID})
    if "{number}" in operation.path:
        place = {"type": "integer", "minimum": 1, "maximum": MOST_FILES}
        found.append({"name": "number", "in": "path", "required": True, "schema": place, "example": 1})
    if "{name}" in operation.path:
        form = {"type": "string", "pattern": "^[a-z_]+[.][a-z_]+$"}
        found.append({"name": "name", "in": "path", "required": True, "schema": form, "example": "placement.notice"})
    found += [
        {"name": each.name, "in": "query", "description": each.about, "schema": each.schema}
        for each in operation.query
    ]  # fmt: skip
    if operation.body is bytes:
        about = "what the file is called, ending as its kind does (RFC 6266)"
        named: dict[str, Any] = {"type": "string", "maxLength": 2000}
        found.append({
            "name": "Content-Disposition", "in": "header", "required": True, "description": about, "schema": named,
            "example": NAMED,
        })  # fmt: skip
    if operation.once:
        about = "the same key with the same request is the same act, for fifteen days; use a fresh UUID for each act"
        form = {"type": "string", "pattern": KEY_FORM}
        found.append({"name": "Idempotency-Key", "in": "header", "description": about, "schema": form})
    if "text/event-stream" in operation.also:
        about = "of a stream: the last event's `id`, sent by clients by themselves"
        form = {"type": "string", "pattern": "^[0-9]{1,18}[.][0-9]{1,18}$"}
        found.append({"name": "Last-Event-ID", "in": "header", "description": about, "schema": form})
    return found


def _body(operation: Operation) -> dict[str, Any]:
    assert operation.body is not None
    if operation.body is bytes:
        return {"required": True, "content": {each.media_type: {"schema": _BINARY} for each in KINDS}}
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(name=operation.body.__name__)}}
    if operation.body is shapes.Send:
        content["examples"] = {
            name.replace(".", "_"): {
                "summary": f"{CATALOGUE[name].label_sv} ({CATALOGUE[name].label_en})",
                "value": {"type": name, "recipient": "SE2120002080-SKOLA", "content": example(name)},
            }
            for name in _types()
        }
    elif operation.body in _EXAMPLES:
        content["example"] = _EXAMPLES[operation.body]
    return {"required": True, "content": {"application/json": content}}


def _responses(operation: Operation) -> dict[str, Any]:
    answered: dict[str, Any] = {"description": operation.summary}
    if operation.answer is not None:
        schema = _BINARY if operation.answer is bytes else {"$ref": _REF.format(name=operation.answer.__name__)}
        media: dict[str, Any] = {operation.media: {"schema": schema}}
        answered["content"] = media | {each: {"schema": {"type": "string"}} for each in operation.also}
    if operation.once:
        answered["headers"] = {
            "Location": {"description": "where to follow it", "schema": {"type": "string"}},
            "Idempotent-Replayed": {"description": "`true` where the key was known", "schema": {"type": "string"}},
        }
    statuses = {*_ALWAYS, *operation.problems}
    if operation.body is not None or operation.once:
        statuses |= {*_WITH_BODY}
    return {str(operation.status): answered} | {str(each): _problem(each) for each in sorted(statuses)}


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _PROBLEMS[status],
        "content": {PROBLEM: {"schema": {"$ref": _REF.format(name="Problem")}}},
    }


def _service() -> dict[str, Any]:
    def ok(name: str) -> dict[str, Any]:
        return {"description": "the answer", "content": {"application/json": {
            "schema": {"$ref": _REF.format(name=name)}}}}  # fmt: skip

    form = {
        "type": "object",
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string", "format": "password"},
            "scope": {"type": "string", "description": "some of the client's scopes, with spaces; none: all"},
        },
        "required": ["grant_type"],
    }
    wrong = {"description": "why there is none", "content": ok("TokenProblem")["content"]}
    token = {
        "operationId": "token", "tags": ["service"], "summary": "Get an access token", "security": [],
        "description": "Client credentials (RFC 6749 section 4.4), by HTTP Basic or in the form.",
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {"200": ok("Token"), "400": wrong, "401": wrong, "413": _problem(413), "429": _problem(429)},
    }  # fmt: skip
    described = {"description": "this document", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {
        "/oauth2/token": {"post": token},
        "/openapi.json": {"get": {
            "operationId": "describe", "tags": ["service"], "summary": "This description", "security": [],
            "responses": {"200": described, "429": _problem(429)}}},
        "/health": {"get": {
            "operationId": "health", "tags": ["service"], "summary": "Whether the connector has its inbox",
            "security": [], "responses": {"200": ok("Health"), "429": _problem(429)}}},
    }  # fmt: skip


def _webhook() -> dict[str, Any]:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {
        "post": {
            "operationId": "delivery",
            "tags": ["inbox"],
            "summary": "What a unit with a webhook instead of this interface gets: the same event, signed",
            "security": [],
            "parameters": [
                {"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in names
            ],
            "requestBody": {"required": True, "content": {"application/cloudevents+json": {
                "schema": {"$ref": _REF.format(name="Event")}}}},
            "responses": {
                "2XX": {"description": "taken; with the header `samband-acknowledged: true` opened too"},
                "409": {"description": "had it already"},
                "4XX": {"description": "refused"},
                "5XX": {"description": "later"},
            },
        }
    }  # fmt: skip


_USER: Final = {"id": "exempel01", "role": "handläggare"}
_EVIDENCE: Final = {"kept_at": "akt 2026-0417, blad 3"}
_EXAMPLES: Final[dict[type, dict[str, Any]]] = {
    shapes.Ask: {
        "type": "placement.notice", "recipient": "SE2120002080-SKOLA", "child": _CHILD, "fields": ["address"],
    },
    shapes.Acknowledge: {"opened": False},
    shapes.Read: {"reason": "samtal med vårdnadshavaren i dag", "acting_user": _USER},
    shapes.Misdirected: {"acting_user": _USER},
    shapes.Consent: {
        "child": _CHILD, "recipients": ["SE2120002080-SKOLA"], "types": ["placement.notice"],
        "to_date": "2027-06-30", "child_view": {"view": "agrees"}, "evidence": _EVIDENCE, "acting_user": _USER,
    },
    shapes.Sign: {"giver": "guardian-1", "evidence": {"sha256": "5c" * 32}},
    shapes.Withdraw: {"child": _CHILD},
    shapes.Dispute: {"settled": False},
    shapes.Refuse: {"giver": "guardian-1", "giver_role": "guardian"},
    shapes.Circle: {
        "child": _CHILD, "claim": True, "members": [{"unit": "SE2120002080-SKOLA", "role": "school"}],
    },
    shapes.OfChild: {"child": _CHILD},
}  # fmt: skip


def written() -> str:
    """Return the document as the file that is shipped."""
    from samband.connectors.rest.app import OPERATIONS

    return msgspec.json.format(msgspec.json.encode(document(OPERATIONS)), indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
