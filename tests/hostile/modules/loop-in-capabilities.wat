;; Loops for ever when it is asked what it can do.
(module
  (memory (export "memory") 1)
  (func (export "get_capabilities") (param i32 i32) (result i32) (loop $ever (br $ever)) unreachable)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
