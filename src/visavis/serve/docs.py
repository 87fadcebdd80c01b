"""Parts of operations in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REFUSED: Mapping[str, str] = {
    "400": "The request is not what this path takes, or larger than it may be",
    "401": "No such key",
    "403": "This key may not do that",
    "404": "There is no such thing",
    "408": "The body did not come in time",
    "413": "The batch is larger than it may be; send it in parts",
    "503": "Not now; send it again",
}
"""What each status of a refusal means."""
SECRET: list[dict[str, list[str]]] = [{"basic": []}, {"bearer": []}]
TEXT: Mapping[str, Any] = {"type": "string"}
MAYBE_TEXT: Mapping[str, Any] = {"type": ["string", "null"]}


def refusals(*codes: str) -> dict[str, Any]:
    """Responses of these statuses."""
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {code: {"description": REFUSED[code], "content": error} for code in codes}


def answers(description: str, kind: str = "application/json", **schema: Any) -> dict[str, Any]:
    """A response of one content type."""
    return {"description": description, "content": {kind: {"schema": schema or {"type": "string"}}}}


def thing(**properties: Any) -> dict[str, Any]:
    """The schema of an object that has at least these keys."""
    return {"type": "object", "required": list(properties), "properties": properties}


def things(**properties: Any) -> dict[str, Any]:
    """The schema of a list of such objects."""
    return {"type": "array", "items": thing(**properties)}


def optional(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """A field of the query that may be left out."""
    return {
        "name": name, "in": "query", "required": False, "description": description,
        "schema": schema or {"type": "string"},
    }  # fmt: skip


def body(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A request body of JSON."""
    return {
        "required": True, "description": description,
        "content": {"application/json": {"schema": schema}},
    }  # fmt: skip
