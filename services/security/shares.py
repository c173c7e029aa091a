"""Places are shared by site: where there is no room for more, who takes most gives way first.

A site is what one sender can hardly change (IPv4 address or IPv6 /48), so a flood displaces only itself.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Place(NamedTuple):
    """A row that takes room, with the site of its sender and the bytes of its files; some give way after all others."""

    id: int
    site: str
    size: int
    gives_way_last: bool = False


def surplus(places: list[Place], most: int, most_bytes: int) -> set[Place]:
    """Return which places, given oldest first, give way until the others are at most so many and so large."""
    limits: tuple[tuple[Callable[[Place], int], int], ...] = ((lambda place: 1, most), (attrgetter("size"), most_bytes))
    gone = set[Place]()
    for weight, limit in limits:
        left = [place for place in places if place not in gone and weight(place)]
        excess = sum(map(weight, left)) - limit
        for victim in _in_order_of_giving_way(left, weight):
            if excess <= 0:
                break
            excess -= weight(victim)
            gone.add(victim)
    return gone


def may_grow(site: str, sites: Iterable[str]) -> bool:
    """Say whether a site may take another place although all are taken: not if no site has more."""
    taken = Counter(sites)
    return taken[site] < max(taken.values(), default=1)


def in_turn(items: Iterable[T], site: Callable[[T], str]) -> list[T]:
    """Return items so that each site has its first one before any has its second, and so on."""
    turns = Counter[str]()

    def turn(item: T) -> int:
        turns[site(item)] += 1
        return turns[site(item)]

    return sorted(items, key=turn)


def _in_order_of_giving_way(places: list[Place], weight: Callable[[Place], int]) -> list[Place]:
    """Return places in the order in which the oldest one of the site that takes most gives way, again and again."""
    taken = Counter[tuple[bool, str]]()
    order = []
    for place in reversed(places):
        # What the site takes once its older places are gone; of two that take as much, the older place comes first.
        taken[place.gives_way_last, place.site] += weight(place)
        order.append((place.gives_way_last, -taken[place.gives_way_last, place.site], place.id, place))
    return [place for *_, place in sorted(order)]
