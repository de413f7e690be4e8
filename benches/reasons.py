"""Why a row is not met, as far as it was measured: `benches/README.md` says more."""

HOP = (
    "By samples a fifth is reading and writing the envelope, a tenth wasmtime's call, a twentieth "
    "each the clock and copying; the rest is spread, and nothing in it is above a tenth."
)
ASK = (
    "Three fifths are the agent's own code. By instructions, which no other program disturbs, an "
    "ask takes 1.28 times what wasmtime alone takes. A twentieth is one system call, which sees to "
    "it that nobody has replaced the handlers by which a guest's memory faults are caught."
)
CROWD = (
    "The agent's own code takes 4.4 µs, so 2.2 is the least for a message on two cores. "
    "autogen-core, with the dependencies of today, takes half of the 267 µs that it took before."
)
NODE = "Beyond a Rust ask it takes some 2.5 µs: Node itself, napi and the promise."

REASONS = {
    "agent to agent, one core, a hop": HOP,
    "  on two cores": "In quiet hours it is met (0.52 to 0.54 x); the cores are shared.",
    "Rust ask, a turn that parses": ASK,
    "Python Runtime.ask, in turn": ASK,
    "Python await ask": ASK,
    "Python ask_many, 1,000 to 100": CROWD,
    "Node await agent.ask, in turn": NODE + " The peer's worker has two speeds.",
    "  beside one in the thread": NODE,
    "durable turns, 100 agents busy": "The disk is shared: 1.15 to 1.45 x were seen in one hour.",
}
