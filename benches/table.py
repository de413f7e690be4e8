"""The table that a run prints: rows, ratios, and whether their targets are met."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

#: What Caxton does and a peer cannot do, or does not where it is measured.
LACKS = {
    "wasmtime alone": "mailbox, names, limits",
    "extism plugin.call": "mailbox, names",
    "wasmtime-py": "mailbox, names, limits",
    "autogen-core": "sandbox, limits",
    "extism in a worker": "mailbox, names",
    "extism in thread": "mailbox, names, time limit",
}

#: For each contestant, its figure in every round: microseconds a message, unless said otherwise.
Samples = dict[str, list[float]]


@dataclass
class Row:
    """One line of the table: a figure of Caxton's, with or without a peer's beside it."""

    name: str
    caxton: float
    unit: str = "µs"
    #: What the ratio to the peer, or the figure itself, has to reach.
    target: float | None = None
    peer_name: str = ""
    peer: float | None = None
    ratio: float | None = None
    #: The smallest and the largest of the rounds.
    spread: tuple[float, float] | None = None
    met: bool | None = field(init=False)

    def __post_init__(self) -> None:
        measured = self.caxton if self.ratio is None else self.ratio
        self.met = None if self.target is None else measured <= self.target


def versus(
    name: str,
    samples: Samples,
    ours: str,
    theirs: str,
    peer_name: str,
    target: float | None = None,
) -> Row:
    """A row of two contestants: what counts is the ratio within each round."""
    ratios = [a / b for a, b in zip(samples[ours], samples[theirs], strict=True)]
    return Row(
        name,
        median(samples[ours]),
        target=target,
        peer_name=peer_name,
        peer=median(samples[theirs]),
        ratio=median(ratios),
        spread=(min(ratios), max(ratios)),
    )


def alone(name: str, figures: list[float], **options: Any) -> Row:
    return Row(name, median(figures), spread=(min(figures), max(figures)), **options)


def print_table(rows: list[Row], reasons: dict[str, str]) -> None:
    head = ["row", "Caxton", "peer", "", "ratio", "rounds", "target", "met", "the peer has no"]
    lines = [head, *map(cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        padded = (
            cell.ljust(width) if i in (0, 3, 8) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(padded).rstrip())
    for row in rows:
        if row.met is False:
            print(f"\nNot met: {row.name.strip()}. {reasons.get(row.name, 'No reason is known.')}")


def cells(row: Row) -> list[str]:
    limit = figure if row.ratio is None else times
    spread = "" if row.spread is None else " .. ".join(map(limit, row.spread))
    return [
        row.name,
        f"{figure(row.caxton)} {row.unit}",
        "" if row.peer is None else f"{figure(row.peer)} {row.unit}",
        row.peer_name,
        "" if row.ratio is None else times(row.ratio),
        spread,
        "" if row.target is None else f"≤ {limit(row.target)}",
        {True: "yes", False: "NO", None: ""}[row.met],
        LACKS.get(row.peer_name, ""),
    ]


def figure(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def times(ratio: float) -> str:
    return f"{figure(ratio)} x" if ratio > 0.1 else f"1/{figure(1 / ratio)}"
