;; Traps when it is asked what it can do.
(module
  (memory (export "memory") 1)
  (func (export "get_capabilities") (param i32 i32) (result i32) unreachable)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
