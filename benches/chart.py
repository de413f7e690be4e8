"""The results as a picture: ratios to the peers, and how figures change with sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from table import Row

CAXTON, PEER = "#1f5fa8", "#b5b5b5"
MISSED = "#c8553d"


def draw(rows: list[Row], curves: dict[str, Any], to: Path) -> None:
    """Writes an SVG. matplotlib is installed with the peers."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "caxton"
    from matplotlib import pyplot

    figure, axes = pyplot.subplot_mosaic(
        [["ratios", "ratios"], ["agents", "bytes"], ["cores", "deploy"]],
        figsize=(11, 13),
        height_ratios=[1.5, 1, 1],
        layout="constrained",
    )
    draw_ratios(axes["ratios"], rows)
    draw_line(axes["agents"], curves["messages_a_second_by_agents"], "agents")
    draw_line(axes["bytes"], curves["messages_a_second_by_bytes"], "bytes of content")
    draw_cores(axes["cores"], curves["messages_a_second_by_cores"])
    draw_deploys(axes["deploy"], curves["deploy_milliseconds_by_bytes"])
    figure.savefig(to, metadata={"Date": None})


def draw_ratios(axes: Any, rows: list[Row]) -> None:
    # One whose ratio is a promise's, and far below it, would push the others together.
    shown = [row for row in reversed(rows) if row.ratio is not None and row.ratio > 1e-3]
    colours = [MISSED if row.met is False else CAXTON for row in shown]
    names = [f"{row.name.strip()} / {row.peer_name}" for row in shown]
    places = range(len(shown))
    axes.barh(places, [row.ratio for row in shown], color=colours)
    for place, row in zip(places, shown, strict=True):
        if row.target is not None:
            axes.plot([row.target] * 2, [place - 0.45, place + 0.45], color="black")
    axes.set_yticks(places, names)
    axes.set_xscale("log")
    axes.set_title("Time against a peer's; less is better, the mark is the target")
    axes.grid(axis="x", alpha=0.3)


def draw_line(axes: Any, points: list[dict[str, float]], what: str) -> None:
    axes.plot([p["x"] for p in points], [p["y"] for p in points], marker="o", color=CAXTON)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(f"Hops a second, by {what}")
    axes.grid(alpha=0.3)


def draw_cores(axes: Any, points: list[dict[str, float]]) -> None:
    for at, (key, label, colour) in enumerate(
        [("hops", "agent to agent", CAXTON), ("asks", "ask_many of a program", PEER)]
    ):
        places = [p["x"] + at * 0.4 - 0.2 for p in points]
        axes.bar(places, [p[key] for p in points], 0.4, label=label, color=colour)
    axes.set_xticks([p["x"] for p in points])
    axes.set_title("Messages a second, by workers")
    axes.legend(loc="upper left")


def draw_deploys(axes: Any, points: list[dict[str, float]]) -> None:
    sizes = [p["x"] for p in points]
    for key, label, colour in [("cold", "never seen", MISSED), ("cached", "compiled", CAXTON)]:
        axes.plot(sizes, [p[key] for p in points], marker="o", label=label, color=colour)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title("Milliseconds to deploy, by module bytes")
    axes.legend()
    axes.grid(alpha=0.3)
