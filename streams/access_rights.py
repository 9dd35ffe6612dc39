"""Rights as Kafka holds them, compared with those that the topic table gives.

What is there and no row gives is *surplus* when it is Samband's own to take away: the principal is one of the hub's
own, a party of the directory, or one that has or had an inbox by its own name. Whatever else can reach Samband's topics
is *foreign*: somebody gave it on purpose, so it is shown and left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from samband.streams.principals import base_of
from samband.streams.topics import (
    DERIVED_GROUP,
    GATE_GROUP,
    INBOX,
    KEEPER_TRANSACTION,
    RESERVED,
    TRANSACTION_PREFIX,
    Acl,
)

__all__ = ["Rights", "compare", "filter_of"]

RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}
OPERATIONS = {"read": AclOperation.READ, "write": AclOperation.WRITE, "describe": AclOperation.DESCRIBE}
USER = "User:"

# Where a literal right concerns Samband: whole names, and beginnings of names.
_WHOLE = {
    ResourceType.TOPIC: (),
    ResourceType.GROUP: (GATE_GROUP, DERIVED_GROUP),
    ResourceType.TRANSACTIONAL_ID: (KEEPER_TRANSACTION,),
}
_BEGINNINGS = {ResourceType.TOPIC: "samband.", ResourceType.TRANSACTIONAL_ID: TRANSACTION_PREFIX}


@dataclass(frozen=True, slots=True)
class Rights:
    """What a comparison found."""

    missing: dict[AclBinding, Acl]
    surplus: dict[AclBinding, Acl]
    foreign: tuple[Acl, ...]


def compare(wanted: Iterable[Acl], present: Iterable[AclBinding], parties: Iterable[str] | None) -> Rights:
    """Compare the rights that there should be with those that there are.

    Args:
        wanted: as the table gives them.
        present: all of the cluster's.
        parties: the directory's; None where nothing is to be taken away.
    """
    needed = {_binding(right): right for right in wanted}
    there = set(present)
    others = {binding: right_of(binding) for binding in there - needed.keys() if _allows(binding)}
    own: set[str] = set()
    if parties is not None:
        own = {*RESERVED, *parties, *_with_inbox(others.values())}
    surplus = {b: right for b, right in others.items() if _is_user(b) and base_of(right.principal) in own}
    foreign = sorted(right for b, right in others.items() if b not in surplus and _concerns(b))
    missing = {binding: right for binding, right in needed.items() if binding not in there}
    return Rights(missing, dict(sorted(surplus.items(), key=lambda pair: pair[1])), tuple(foreign))


def filter_of(binding: AclBinding) -> AclBindingFilter:
    """Return the filter that only this binding passes."""
    return AclBindingFilter(
        binding.restype, binding.name, binding.resource_pattern_type, binding.principal, binding.host,
        binding.operation, binding.permission_type,
    )  # fmt: skip


def right_of(binding: AclBinding) -> Acl:
    """Return a binding in the table's words; a principal that is no user keeps its kind."""
    return Acl(
        binding.principal.removeprefix(USER),
        ResourceType(binding.restype).name.lower(),
        binding.name,
        AclOperation(binding.operation).name.lower(),
        binding.resource_pattern_type == ResourcePatternType.PREFIXED,
    )


def _binding(right: Acl) -> AclBinding:
    return AclBinding(
        RESOURCES[right.resource],
        right.name,
        ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL,
        f"{USER}{right.principal}",
        "*",
        OPERATIONS[right.operation],
        AclPermissionType.ALLOW,
    )


def _allows(binding: AclBinding) -> bool:
    return bool(binding.permission_type == AclPermissionType.ALLOW)


def _is_user(binding: AclBinding) -> bool:
    return str(binding.principal).startswith(USER)


def _with_inbox(rights: Iterable[Acl]) -> set[str]:
    """Return who may read an inbox by its own name: it is or was a party."""
    bases = {(base_of(right.principal), right.name) for right in rights if right.operation == "read"}
    return {base for base, name in bases if name == INBOX.template.format(party=base)}


def _concerns(binding: AclBinding) -> bool:
    """Tell whether a right reaches something of Samband's."""
    if binding.restype not in _WHOLE:
        return False
    name, beginning = binding.name, _BEGINNINGS.get(binding.restype)
    names = [*_WHOLE[binding.restype], *([beginning] if beginning else [])]
    if binding.resource_pattern_type == ResourcePatternType.PREFIXED:
        return any(each.startswith(name) for each in names) or bool(beginning and name.startswith(beginning))
    return name in ("*", *names) or bool(beginning and name.startswith(beginning))
