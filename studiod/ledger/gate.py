"""The price gate: what an item's prices demand, and whether the decisions at hand are enough.

Pure functions. The database's triggers judge the same rules on their own (`migrations/`), so that neither
a mistake here nor a script with SQL gets a row past them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from studiod.ledger.records import Demand, Origin


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Minor units by currency: over `person` a person must decide, over `two_persons` two."""

    person: Mapping[str, int]
    two_persons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """The approvals of one version that count: who, who of them looked at every place, and policy's."""

    uids: frozenset[int]
    looked: frozenset[int]
    policy: bool

    def counting(self, demand: Demand) -> frozenset[int]:
        """Those whose approval counts: where a person must decide, only who looked."""
        return self.looked if demand else self.uids


def demand_of(
    now: tuple[int | None, str],
    carried: Iterable[tuple[int | None, str]],
    always_review: bool,
    thresholds: Thresholds,
) -> Demand:
    """What the gate demands, given the price now and every (minor, currency) the item ever carried.

    The highest ever carried counts; exactly at the threshold is not over; no price, or a currency without
    a threshold, needs a person.
    """
    prices = [(minor, currency) for minor, currency in (*carried, now) if minor is not None]
    two = thresholds.two_persons
    if any(currency in two and minor > two[currency] for minor, currency in prices):
        return Demand.TWO_PERSONS
    one = thresholds.person
    over = any(currency not in one or minor > one[currency] for minor, currency in prices)
    return Demand.PERSON if always_review or now[0] is None or over else Demand.NOTHING


def policy_may_approve(demand: Demand, never_policy: bool, origin: Origin) -> bool:
    """Whether an item may be approved without a person at all."""
    return demand is Demand.NOTHING and not never_policy and origin is Origin.CAPTURE


def shortfall(demand: Demand, never_policy: bool, origin: Origin, standing: Standing) -> str:
    """What is missing before the item may leave, in a sentence; empty when nothing is."""
    needed = int(demand) if policy_may_approve(demand, never_policy, origin) else max(1, int(demand))
    counting = standing.counting(demand)
    if len(counting) >= needed and (counting or standing.policy):
        return ""
    if standing.uids > counting:
        return "It was approved without a look at every place."
    if needed == 2 and len(counting) == 1:
        return "It needs a second person's approval."
    return {
        0: "It is not approved.",
        1: "It needs a person's decision.",
        2: "It needs two persons' approval.",
    }[needed]


def enough(demand: Demand, uids: Collection[int]) -> bool:
    """Whether these persons' approvals are all that the gate demands."""
    return len(set(uids)) >= max(1, int(demand))
