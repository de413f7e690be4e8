"""wasmtime-py as a peer: the same agent, and a Python function for what it sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from wasmtime import Caller, Config, Engine, Func, FuncType, Linker, Memory, Module, Store


class Agent:
    """One instance of the agent. It has an inbox as Caxton gives it one, and nothing else."""

    def __init__(self, wasm: Path, handed: bytes) -> None:
        config = Config()
        config.cache = True
        engine = Engine(config)
        module = Module(engine, wasm.read_bytes())
        linker = Linker(engine)
        for wanted in module.imports:
            kind = wanted.type
            if isinstance(kind, FuncType) and wanted.name is not None:
                host = self._host(wanted.name, bool(kind.results))
                linker.define_func(wanted.module, wanted.name, kind, host, access_caller=True)
        self._store = Store(engine)
        exports = linker.instantiate(self._store, module).exports(self._store)
        memory, handle, init = exports["memory"], exports["handle_message"], exports["agent_init"]
        assert isinstance(memory, Memory)
        assert isinstance(handle, Func)
        assert isinstance(init, Func)
        self._memory, self._handle, self._message = memory, handle, handed
        init(self._store)
        # A page of its own, behind what the agent has.
        self._inbox = memory.grow(self._store, 1) * 65_536
        self.sent = b""

    def _host(self, name: str, has_result: bool) -> Callable[..., int | None]:
        if name == "send_message":
            return self._send
        if name == "current_timestamp":
            return lambda *_: time.time_ns() // 1_000
        return lambda *_: 0 if has_result else None

    def _send(self, caller: Caller, ptr: int, length: int) -> int:
        self.sent = bytes(self._memory.read(caller, ptr, ptr + length))
        return 0

    def ask(self) -> bytes:
        """Hands it the message; what it has sent."""
        self._memory.write(self._store, self._message, self._inbox)
        code = self._handle(self._store, self._inbox, len(self._message))
        assert code == 0
        return self.sent
