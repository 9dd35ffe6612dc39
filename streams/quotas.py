"""Read and set Kafka's client quotas: what one principal may take of a broker.

confluent-kafka has no call for them. aiokafka knows the request that reads them; the one that changes them (49, version
0, KIP-546) is written down here and sent over aiokafka's connection.

    present = await read(settings)                    {"skola": {"producer_byte_rate": 5e6, …}}
    await change(settings, {"skola": {"producer_byte_rate": 5e6}, "social": {"producer_byte_rate": None}})

Only quotas of users are looked at; those of client ids, addresses and defaults are the cluster's owner's.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import DescribeClientQuotasRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from samband.schemas.errors import OperatorError
from samband.streams.settings import KafkaSettings

__all__ = ["change", "read"]

_TEXT = String("utf-8")
_ENTITY = Array(("type", _TEXT), ("name", _TEXT))
_OPS = Array(("key", _TEXT), ("value", Float64), ("remove", Boolean))
_ANY = 2  # match type: whatever name is specified


class _AlterResponse(Response):
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", _TEXT), ("entity", _ENTITY))),
    )


class _AlterStruct(RequestStruct):
    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponse
    SCHEMA = Schema(
        ("entries", Array(("entity", _ENTITY), ("ops", _OPS))),
        ("validate_only", Boolean),
    )


class _Alter(Request[_AlterStruct]):
    API_KEY = 49

    def __init__(self, entries: list[Any]) -> None:
        self._entries = entries

    def build(self, struct: type[_AlterStruct]) -> _AlterStruct:
        return struct(self._entries, False)


async def read(settings: KafkaSettings) -> dict[str, dict[str, float]]:
    """Return the quotas of every user that has any.

    Raises:
        OperatorError: `KAFKA_UNREACHABLE` or `KAFKA_REFUSED`.
    """
    async with _admin(settings) as admin:
        answer: Any = await admin._send_request(DescribeClientQuotasRequest([("user", _ANY, None)], True))
    _check(answer.error_code, answer.error_message)
    found: dict[str, dict[str, float]] = {}
    for entity, values in answer.entries or ():
        if len(entity) == 1 and entity[0][1] is not None:  # a default has no name
            found[entity[0][1]] = dict(values)
    return found


async def change(settings: KafkaSettings, wanted: Mapping[str, Mapping[str, float | None]]) -> None:
    """Set quotas of users, or with None remove them; what is not named stays.

    Raises:
        OperatorError: `KAFKA_UNREACHABLE` or `KAFKA_REFUSED`.
    """
    entries = [
        ([("user", user)], [(key, value or 0.0, value is None) for key, value in sorted(values.items())])
        for user, values in sorted(wanted.items())
    ]
    async with _admin(settings) as admin:
        answer: Any = await admin._send_to_controller(_Alter(entries))
    for code, message, _ in answer.entries:
        _check(code, message)


@contextlib.asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**settings.aiokafka())
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError) as error:
        raise OperatorError(
            "KAFKA_UNREACHABLE", "the Kafka cluster does not answer", "is it up, and is the certificate its own?"
        ) from error
    finally:
        await admin.close()


def _check(code: int, message: str | None) -> None:
    if code:
        why = (message or f"error {code}").lower()
        raise OperatorError("KAFKA_REFUSED", f"kafka refused a quota: {why}", "does this principal administer it?")
