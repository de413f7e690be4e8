"""A thousand agents of one module, and a thousand questions at once."""

import time
from pathlib import Path

import caxton

NAMES = [f"worker-{number}" for number in range(1000)]

with caxton.Runtime() as rt:
    begun = time.perf_counter()
    workers = rt.deploy_many(Path(__file__).parent / "agents" / "rust.wasm", NAMES)
    print(f"{len(workers)} agents deployed in {time.perf_counter() - begun:.2f} s")

    questions = [
        {
            "performative": "request",
            "receiver": name,
            "content": {"action": "process_data", "data": {"operation": "uppercase", "data": name}},
        }
        for name in NAMES
    ]
    begun = time.perf_counter()
    answers = rt.ask_many(questions, timeout=30)
    print(f"{len(answers)} answers in {time.perf_counter() - begun:.2f} s")

    # In the order of the questions; an error would stand in the place of its answer.
    results = [answer.content["result"]["result"] for answer in answers]
    print("all right:", results == [name.upper() for name in NAMES])
