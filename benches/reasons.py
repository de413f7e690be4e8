"""Why a row is not met, as far as it was measured: `benches/README.md` says more."""

HOP = (
    "By instructions, which no other program disturbs, it is 1.28 times wasmtime alone; the time "
    "goes to those that wait: each lock and each count of sharers takes some 4 ns. By samples a "
    "third is reading the envelope and writing it with its id and time, a twelfth the clock, which "
    "is looked at three times, a fourteenth wasmtime's call, as much the mailbox; nothing else is "
    "above a twentieth."
)
ASK = (
    "The agent's own code takes 1.6 µs, and the runtime adds 1.8: by samples 0.5 to enter the ask, "
    "with a fifth of a microsecond for reading its message and as much for the system call which "
    "sees to it that nobody has replaced the handlers by which a guest's memory faults are caught; "
    "0.4 to read and write the answer, 0.4 for the turn, 0.15 to leave the ask. Beside an agent "
    "that is built for size and takes 3.4 µs the same is 1.6 times wasmtime alone."
)
CROWD = (
    "A message takes 3.7 µs of both cores together, 1.6 of it the agent's own code: 1.85 is the "
    "least here. autogen-core, with the dependencies of today, takes half of the 267 µs that it "
    "took before."
)
NODE = (
    "Beyond a Rust ask it takes 1.5 µs: 0.3 for JSON.stringify, which the peer is spared, 0.1 for "
    "the promise, and the rest Node's own interface, mostly for the strings."
)

REASONS = {
    "agent to agent, one core, a hop": HOP,
    "  on two cores": (
        "In quiet hours it is met (0.52 to 0.54 x). The cores are shared: for seconds at a time "
        "they do only as much as the two threads of one core do."
    ),
    "Rust ask, a turn that parses": ASK,
    "Python Runtime.ask, in turn": "In quiet hours it is met. " + ASK,
    "Python await ask": "In quiet hours it is met. " + ASK,
    "Python ask_many, 1,000 to 100": CROWD,
    "Node await agent.ask, in turn": NODE + " The peer's worker has two speeds.",
    "  beside one in the thread": NODE,
    "durable turns, 100 agents busy": "The disk is shared: 1.0 to 1.45 x were seen.",
}
