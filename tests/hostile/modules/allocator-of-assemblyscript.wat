;; AssemblyScript's functions, the second of which traps.
(module
  (memory (export "memory") 1)
  (func (export "__new") (param i32 i32) (result i32) (i32.const 8192))
  (func (export "__pin") (param i32) (result i32) unreachable)
  (func (export "__unpin") (param i32))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
