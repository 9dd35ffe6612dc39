"""The description: valid OpenAPI 3.1, the same as the file, and kept by the interface on whatever is thrown at it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import validate

from samband.connectors.rest.calls import Call
from samband.connectors.rest.openapi import written
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.examples import example
from samband.schemas.json_schema import content_json_schema
from tests.rest.conftest import House, Served
from tests.rest.test_consents import consent_of
from tests.rest.test_messages import concern

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads(written())
TYPES = sorted(name for name, row in CATALOGUE.items() if row.carries_content)


def test_the_file_is_what_is_served() -> None:
    """`docs/openapi.json` is the description as the connector serves it."""
    assert (ROOT / "docs" / "openapi.json").read_text("utf-8") == written()


def test_it_is_openapi() -> None:
    """The document is valid OpenAPI 3.1, and each of its examples fits its schema."""
    validate(DOCUMENT)
    resolver = {"$defs": {}, "components": DOCUMENT["components"]}
    count = 0
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                said = [each["value"] for each in media.get("examples", {}).values()]
                said += [media["example"]] if "example" in media else []
                for each in said:
                    jsonschema.Draft202012Validator(resolver | media["schema"]).validate(each)
                    count += 1
    assert count > len(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_a_types_schema_is_its_catalogue_row(name: str) -> None:
    """The schema takes the type's example, and refuses it with a field that is unknown or without one it needs."""
    schema, good = content_json_schema(name), example(name)
    check = jsonschema.Draft202012Validator(schema).is_valid
    assert check(good)
    assert not check(good | {"unknown": "x"})
    assert not check({key: value for key, value in good.items() if key != "acting_user"})
    assert not check(good | {"child_identifier": ""})


CONFIG = """
[checks.positive_data_acceptance]
# What is well-formed is also refused for what it says: a unit that is not in the directory, a number that is none.
expected-statuses = ["2xx", 404, 409, 410, 422]

[checks.negative_data_rejection]
# It sends the id that is given below where it means a wrong one; of a message whose content is erased that is a 410.
expected-statuses = ["4xx"]

[phases.coverage]
unexpected-methods = ["DELETE", "PATCH"]

[[operations]]
include-operation-id = "token"
checks.positive_data_acceptance.enabled = false  # it gets a bearer token instead of a secret here

[[operations]]
include-operation-id = "sendMessage"
phases.coverage.enabled = false                  # a case for each field of each of the types: that is the catalogue's

[[operations]]
include-operation-id = "handInFile"
parameters = { "header.Content-Disposition" = "attachment; filename=a.txt" }  # its own ends as no kind does

[[operations]]
include-operation-id = "events"
parameters = { "header.Last-Event-ID" = "0.0" }  # of a header's pattern it knows nothing, and sends another

[[operations]]
include-path-regex = "^/v1/inbox/.id"
parameters = { "path.id" = "MESSAGE" }

[[operations]]
include-path-regex = "^/v1/messages/.id"
parameters = { "path.id" = "MESSAGE" }

[[operations]]
include-path-regex = "^/v1/consents/.id"
parameters = { "path.id" = "CONSENT" }
"""


def test_schemathesis_finds_nothing(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is thrown at it, it keeps its description: no 500, no other form, nothing without a token."""
    monkeypatch.setattr(Call, "patience", property(lambda call: call.query.get("wait", 0) / 1000))
    for name in ("social", "skola"):
        house.open(name, requests_per_minute=100_000)
    message = house.said("skola", concern(house))
    house.settle()
    config = tmp_path / "schemathesis.toml"
    with Served(house) as address:
        headers = {"authorization": f"Bearer {house.token(address, 'social')}"}
        consent = httpx.post(f"{address}/v1/consents", json=consent_of(house), headers=headers).json()["consent_id"]
        config.write_text(CONFIG.replace("MESSAGE", message).replace("CONSENT", consent))
        ran = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "--config-file", str(config),
                "run", f"{address}/openapi.json",
                "--header", f"Authorization: {headers['authorization']}",
                "--seed", "7", "--max-examples", "4", "--no-color", "--generation-database", "none",
                "--workers", "1", "--request-timeout", "10", "--warnings", "off", "--continue-on-failure",
            ],
            capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2000:]
