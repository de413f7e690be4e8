"""An agent that loops for ever and one that eats memory harm nobody but themselves."""

from pathlib import Path

import caxton

LOOPS = """(module (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32)
    (loop $again (br $again)) (i32.const 0)))"""

EATS = """(module (memory (export "memory") 1)
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "caxton_free") (param i32 i32))
  (func (export "handle_message") (param i32 i32) (result i32)
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    unreachable))"""

LIMITS = caxton.Limits(max_execution_time_micros=300_000, max_memory_bytes=8 << 20)

with caxton.Runtime() as rt:
    loops = rt.deploy(LOOPS, name="loops", limits=LIMITS)
    eats = rt.deploy(EATS, name="eats", limits=LIMITS)
    honest = rt.deploy(Path(__file__).parent / "agents" / "c.wasm", name="honest")

    loops.send("go")  # Returns at once; the agent spins from now on.
    task = {"action": "process_data", "data": {"operation": "uppercase", "data": "still here"}}
    print("meanwhile:", honest.request(task, timeout=5).content["result"]["result"])

    for agent in (loops, eats):
        try:
            agent.request("go", timeout=5)
        except caxton.LimitExceeded as error:
            print(f"{agent.name}: {error}")
            print(f"  code={error.code} kind={error.kind} limit={error.limit} used={error.used}")
            print(f"  state={agent.state} dropped turns={agent.stats()['dropped_turns']}")

    print("afterwards:", honest.request(task, timeout=5).content["result"]["result"])
