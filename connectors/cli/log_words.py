"""What each difference that `audit verify` finds in a log means, in plain sentences, Swedish and English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from samband.connectors.cli.words import either

__all__ = ["EXPLAINED", "ending", "meaning"]

_NOT_SIGNED: Final = (
    "kontrollpunkten är inte undertecknad så med loggens nyckel",
    "the checkpoint is not signed so with the log's key",
)

EXPLAINED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "LOG_ROOT": (
        "posterna är inte de som loggen undertecknat: något är ändrat, borttaget, insatt eller omkastat",
        "the entries are not those that the log signed: something is changed, dropped, inserted or reordered",
    ),
    "LOG_TILE": (
        "plattan stämmer inte med posterna: den ena eller de andra är ändrade",
        "the tile does not fit the entries: the one or the others are changed",
    ),
    "LOG_TILE_MISSING": (
        "filen saknas, fast loggen enligt sin kontrollpunkt når dit: något är borttaget eller avkortat",
        "the file is missing, although the log reaches so far by its checkpoint: something is dropped or cut off",
    ),
    "FORMAT_BUNDLE": (
        "filen har för få poster, eller är inget knippe av poster: något är borttaget eller avkortat",
        "the file has too few entries, or is no bundle of entries: something is dropped or cut off",
    ),
    "FORMAT_TILE": (
        "plattan är för kort: något är avkortat",
        "the tile is too short: something is cut off",
    ),
    "LOG_FORK": (
        "vittnen har undertecknat en annan historia än den som står här",
        "witnesses signed another past than the one that stands here",
    ),
    "LOG_ROLLED_BACK": (
        "vittnen har sett fler poster än som finns här: slutet är borttaget",
        "witnesses have seen more entries than there are here: the end is cut off",
    ),
    "LOG_KEY": _NOT_SIGNED,
    "SIGNATURE_BROKEN": _NOT_SIGNED,
    "LOG_ORIGIN": ("kontrollpunkten är en annan loggs", "the checkpoint is another log's"),
    "FORMAT_NOTE": ("filen är ingen undertecknad kontrollpunkt", "the file is no signed checkpoint"),
    "FORMAT_CHECKPOINT": ("filen är ingen kontrollpunkt", "the file is no checkpoint"),
    "FORMAT_COSIGNATURE": ("ett vittnes underskrift kan inte läsas", "a witness's signature cannot be read"),
    "LOG_READ": ("filen kan inte läsas", "the file cannot be read"),
})  # fmt: skip
"""code → what it means. Format page: § Log."""


def meaning(code: str) -> str:
    """Return what a code means, in the chosen language; one that is not known, as it is."""
    return either(*EXPLAINED.get(code, (code, code)))


def ending() -> str:
    """Return what to do when a log is not what it signed, in the chosen language."""
    return either(
        "Spara mappen som den är. Jämför med en kopia hos en part: `samband audit verify --folder KOPIA`.",
        "Keep the folder as it is. Compare with a copy that a party has: `samband audit verify --folder COPY`.",
    )
