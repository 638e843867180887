"""Callbacks as a browser asks for them."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

UPDATE = "/_dash-update-component"


def callback(output: str, inputs: dict[str, Any], state: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a browser sends to have `output` computed."""

    def named(values: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            dict(zip(("id", "property"), key.split("."), strict=True), value=value) for key, value in values.items()
        ]

    parts = output.strip(".").split("...")
    outputs = [dict(zip(("id", "property"), part.split("."), strict=True)) for part in parts]
    return {"output": output, "outputs": outputs, "inputs": named(inputs), "state": named(state or {})}


def outputs_of(client: FlaskClient, name: str) -> str:
    """The outputs of the callback with this one, as a browser names them."""
    return next(each["output"] for each in client.get("/_dash-dependencies").json or [] if name in each["output"])


def asked(client: FlaskClient, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """What a browser sends to have the callback with this output computed. values: of its inputs and states, by id."""
    known = client.get("/_dash-dependencies").json or []
    found = next(each for each in known if name in each["output"])
    inputs, state = (
        {f"{one['id']}.{one['property']}": values.get(one["id"]) for one in found[kind]} for kind in ("inputs", "state")
    )
    return callback(found["output"], inputs, state)
