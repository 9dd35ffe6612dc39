"""Ask Kafka for one thing at a time as one principal, by its own protocol, and tell whether it answered or refused.

A client library asks for several rights at once and hides which was missing; here each request needs one right, and
nothing that is asked for is really changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol import admin, coordination, fetch, group, metadata, offset, produce, transaction
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from samband.streams import quotas

REFUSED: Final = {29, 30, 31, 53}  # topic, group, cluster, transactional id: authorization failed
# What a request that was let in may still meet: who joins is told to come again by name (79), a group (69) or
# transaction (49) is not there, a group is in use (68), a coordinator is being found (14–16), a compacted topic keeps
# all it has (44), a transaction was not begun (48).
HARMLESS: Final = {0, 14, 15, 16, 44, 48, 49, 68, 69, 79}
TOPIC, GROUP, BROKER, CLUSTER = (
    2,
    3,
    4,
    4,
)  # resource types; a broker's settings and the cluster's rights share a number
GROUPS, TRANSACTIONS = 0, 1  # coordinator types

Answers = dict[str, bool]


class Asker:
    """One principal's connection."""

    def __init__(self, kafka: dict[str, Any]) -> None:
        self._admin = AIOKafkaAdminClient(**kafka, request_timeout_ms=15_000)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def _ask(self, request: Any) -> Any:
        return await self._admin._send_request(request)

    async def each(self, names: Iterable[str], request: Callable[[str], Any], code: Callable[[Any], int]) -> Answers:
        """Ask for each name by itself."""
        return {name: answered(code(await self._ask(request(name)))) for name in names}

    # topics

    async def describe(self, topics: list[str]) -> Answers:
        """DESCRIBE: see that a topic is there."""
        answer = await self._ask(metadata.MetadataRequest(topics, False))
        return {each[1]: answered(each[0]) for each in answer.topics}

    async def offsets(self, topics: list[str]) -> Answers:
        """DESCRIBE: see how much was written."""
        answer = await self._ask(offset.OffsetRequest(-1, 0, [(topic, [(0, -1)]) for topic in topics]))
        return {topic: answered(partitions[0][1]) for topic, partitions in answer.topics}

    async def read(self, topics: list[str]) -> Answers:
        """READ: fetch from the beginning."""
        asked = [(topic, [(0, 0, 1_000)]) for topic in topics]
        answer = await self._ask(fetch.FetchRequest(0, 0, 100_000, 1, asked))
        return {topic: answered(partitions[0][1]) for topic, partitions in answer.topics}

    async def write(self, topics: list[str]) -> Answers:
        """WRITE: put one record at the end."""
        answer = await self._ask(produce.ProduceRequest(None, -1, 10_000, [(t, [(0, batch(b"x"))]) for t in topics]))
        return {topic: answered(partitions[0][1]) for topic, partitions in answer.topics}

    async def alter(self, topics: list[str]) -> Answers:
        """ALTER: more partitions, only tried."""
        answer = await self._ask(admin.CreatePartitionsRequest([(t, (8, None)) for t in topics], 10_000, True))
        return {topic: answered(code, 37) for topic, code, _ in answer.topic_errors}

    async def alter_configs(self, topics: list[str]) -> Answers:
        """ALTER_CONFIGS: another retention, only tried."""
        asked = [(TOPIC, topic, [("retention.ms", "1000")]) for topic in topics]
        return {
            each[3]: answered(each[0]) for each in (await self._ask(admin.AlterConfigsRequest(asked, True))).resources
        }

    async def describe_configs(self, topics: list[str]) -> Answers:
        """DESCRIBE_CONFIGS: see a topic's settings."""
        answer = await self._ask(admin.DescribeConfigsRequest([(TOPIC, topic, None) for topic in topics]))
        return {each[3]: answered(each[0]) for each in answer.resources}

    async def delete_records(self, topics: list[str]) -> Answers:
        """DELETE: the records before the first."""
        answer = await self._ask(admin.DeleteRecordsRequest([(topic, [(0, 0)]) for topic in topics], 10_000))
        return {each[0]: answered(each[1][0][2]) for each in answer.topics}

    async def delete(self, topics: list[str]) -> Answers:
        """DELETE: the topic. It is really gone where this is let in."""
        answer = await self._ask(admin.DeleteTopicsRequest(topics, 10_000))
        return {topic: answered(code) for topic, code in answer.topic_error_codes}

    async def create(self, topics: list[str]) -> Answers:
        """CREATE: a topic that is not there, only tried."""
        asked = [(topic, 1, 1, [], []) for topic in topics]
        answer = await self._ask(admin.CreateTopicsRequest(asked, 10_000, True))
        return {each[0]: answered(each[1]) for each in answer.topic_errors}

    # groups

    async def join(self, groups: list[str]) -> Answers:
        """READ: join a group."""
        return await self.each(
            groups,
            lambda name: group.JoinGroupRequest(name, 6_000, 6_000, "", "", "none", [("none", b"x")]),
            lambda answer: answer.error_code,
        )

    async def look_at_group(self, groups: list[str]) -> Answers:
        """DESCRIBE: see who is in a group."""
        # One at a time: aiokafka 0.14 misses the last field of a group, and so misreads the next.
        return await self.each(
            groups, lambda name: admin.DescribeGroupsRequest([name]), lambda answer: answer.groups[0][0]
        )

    async def delete_group(self, groups: list[str]) -> Answers:
        """DELETE: a group that nobody is in."""
        return {name: answered(code) for name, code in (await self._ask(admin.DeleteGroupsRequest(groups))).results}

    async def find_group(self, groups: list[str]) -> Answers:
        """DESCRIBE: find who keeps a group."""
        return await self.each(
            groups, lambda name: coordination.FindCoordinatorRequest(name, GROUPS), lambda answer: answer.error_code
        )

    # transactional ids

    async def begin(self, ids: list[str]) -> Answers:
        """WRITE: take a transactional id, and fence whoever has it."""
        return await self.each(
            ids, lambda name: transaction.InitProducerIdRequest(name, 10_000), lambda answer: answer.error_code
        )

    async def end(self, ids: list[str]) -> Answers:
        """WRITE: end somebody's transaction."""
        return await self.each(
            ids, lambda name: transaction.EndTxnRequest(name, 1, 0, False), lambda answer: answer.error_code
        )

    async def find_transaction(self, ids: list[str]) -> Answers:
        """DESCRIBE: find who keeps a transactional id."""
        return await self.each(
            ids, lambda name: coordination.FindCoordinatorRequest(name, TRANSACTIONS), lambda answer: answer.error_code
        )

    # the cluster

    async def cluster(self) -> Answers:
        """Ask for what is the cluster's: producer ids, rights, quotas, a broker's settings."""
        any_right = (1, None, 1, None, None, 1, 1)
        nobodys = (TOPIC, "nobodys", 3, "User:nobody", "*", 3, 3)
        quota = quotas._Alter([([("user", "nobody")], [("request_percentage", 1.0, True)])])
        settings = admin.AlterConfigsRequest([(BROKER, "1", [("log.cleaner.threads", "1")])], True)
        answers = {
            "idempotent write": (await self._ask(transaction.InitProducerIdRequest(None, 10_000))).error_code,
            "see rights": (await self._ask(admin.DescribeAclsRequest(*any_right))).error_code,
            "give rights": (await self._ask(admin.CreateAclsRequest(*nobodys))).creation_responses[0][0],
            "take rights": (await self._ask(admin.DeleteAclsRequest(*nobodys))).filter_responses[0][0],
            "see quotas": (await self._ask(admin.DescribeClientQuotasRequest([("user", 2, None)], True))).error_code,
            "set quotas": (await self._ask(quota)).entries[0][0],
            "see settings": (await self._ask(admin.DescribeConfigsRequest([(BROKER, "1", None)]))).resources[0][0],
            "alter settings": (await self._ask(settings)).resources[0][0],
        }
        return {what: answered(code) for what, code in answers.items()}


def answered(code: int, *harmless: int) -> bool:
    """Tell whether a request was let in.

    Raises:
        AssertionError: it failed for another reason, so nothing was learned.
    """
    assert code in {*HARMLESS, *REFUSED, *harmless}, f"kafka answered with error {code}"
    return code not in REFUSED


def batch(value: bytes) -> bytes:
    """Return a record batch of one record."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=len(value) + 1_000,
    )  # fmt: skip
    builder.append(0, None, b"key", value, [])
    return bytes(builder.build())
