"""Settings: frozen dataclasses read from TOML, where a key that nobody knows is an error.

A settings class is a frozen dataclass whose fields are plain values (`str`, `int`, `float`, `bool`, `Path`), tuples of
them, an optional one, or another settings class. Its field names are the file's keys. A path in a file is relative to
that file. Secrets are never values, only paths.

    [kafka]
    bootstrap = "127.0.0.1:19092"
    ca = "tls/ca.pem"
    certificate = "tls/client.pem"
    key = "tls/client.key"

    @dataclass(frozen=True, slots=True)
    class Settings:
        kafka: KafkaSettings

    settings = load(path, Settings)
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from samband.schemas import toml
from samband.schemas.errors import OperatorError
from samband.streams.tls import RenewingContext

__all__ = ["KafkaSettings", "load", "read"]

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach a Kafka cluster, as whom: always mutual TLS 1.3, embedded or not."""

    bootstrap: str  # host:port, several with commas
    ca: Path  # PEM of the authority that the brokers' certificates hang on
    certificate: Path  # PEM of the own certificate; its common name is the principal
    key: Path  # PEM of the own private key, mode 0600

    def aiokafka(self) -> dict[str, Any]:
        """Return the connection's keyword arguments for any aiokafka client, with a fresh TLS context.

        A certificate that is renewed while the client lives is used from its next connection on.

        Raises:
            OperatorError: `CERTIFICATE_FILES`, when a file is missing or is not what it should be.
        """
        try:
            context = RenewingContext(self.ca, self.certificate, self.key)
        except OSError as error:
            raise OperatorError(
                "CERTIFICATE_FILES",
                f"the TLS files beside `{self.certificate}` cannot be used: {error.strerror or error}".lower(),
                "check `ca`, `certificate` and `key` under [kafka]",
            ) from error
        return {"bootstrap_servers": self.bootstrap, "security_protocol": "SSL", "ssl_context": context}

    def confluent(self) -> dict[str, Any]:
        """Return the same for a confluent-kafka client, whose admin can do what aiokafka's cannot."""
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SSL",
            "ssl.ca.location": str(self.ca),
            "ssl.certificate.location": str(self.certificate),
            "ssl.key.location": str(self.key),
            "ssl.endpoint.identification.algorithm": "https",
        }


def load(path: Path, settings: type[Settings]) -> Settings:
    """Return the settings that the TOML file at `path` holds.

    Raises:
        OperatorError: `SETTINGS_UNREADABLE`, `SETTINGS_UNKNOWN_KEY`, `SETTINGS_MISSING_KEY` or `SETTINGS_WRONG_TYPE`.
    """
    try:
        table = toml.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OperatorError(
            "SETTINGS_UNREADABLE", f"`{path}`: {(reason or 'unreadable').lower()}", "check that it is a TOML file"
        ) from error
    return read(table, settings, path.parent)


def read(table: Mapping[str, Any], settings: type[Settings], folder: Path, where: str = "") -> Settings:
    """Return the settings that a parsed TOML table holds; paths in it are relative to `folder`.

    Args:
        table: keys and values, as `tomllib` gives them.
        settings: the dataclass to fill.
        folder: where the file lies.
        where: dotted name of the table, for the error's sake.

    Raises:
        OperatorError: `SETTINGS_UNKNOWN_KEY`, `SETTINGS_MISSING_KEY` or `SETTINGS_WRONG_TYPE`.
    """
    if not (isinstance(settings, type) and dataclasses.is_dataclass(settings)):
        raise TypeError(f"{settings!r} is not a settings class")
    kinds = typing.get_type_hints(settings)
    fields = {field.name: field for field in dataclasses.fields(settings) if field.init}
    for key in table:
        if key not in fields:
            raise OperatorError(
                "SETTINGS_UNKNOWN_KEY", f"unknown key `{where}{key}`", f"known here: {', '.join(sorted(fields))}"
            )
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(table[name], kinds[name], folder, where + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise OperatorError("SETTINGS_MISSING_KEY", f"`{where}{name}` is missing", f"add `{name}`")
    return settings(**values)


def _value(value: Any, kind: Any, folder: Path, where: str) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (kind,) = (option for option in inner if option is not type(None))  # TOML has no null: only `X | None` is meant
        return _value(value, kind, folder, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(item, inner[0], folder, f"{where}[{n}]") for n, item in enumerate(value))
    if isinstance(kind, type):
        if dataclasses.is_dataclass(kind) and isinstance(value, dict):
            return read(value, kind, folder, f"{where}.")
        if kind is Path and isinstance(value, str):
            return _path(folder, value, where)
        if kind is float and type(value) is int and abs(value) < 1 << 53:
            return float(value)
        if type(value) is kind:  # exact, for true is no number
            return value
        if issubclass(kind, str) and isinstance(value, str):  # a StrEnum
            try:
                return kind(value)
            except ValueError:
                pass
    wanted = "a list" if origin is tuple else getattr(kind, "__name__", str(kind)).lower()
    raise OperatorError("SETTINGS_WRONG_TYPE", f"`{where}` should be {wanted}", f"it is {type(value).__name__}")


def _path(folder: Path, text: str, where: str) -> Path:
    try:
        return (folder / Path(text).expanduser()).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, nobody's home, a ring of links
        raise OperatorError("SETTINGS_WRONG_TYPE", f"`{where}` cannot be a path here") from error
