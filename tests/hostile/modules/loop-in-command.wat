;; Loops for ever in the `_start` of a WASI command.
(module
  (memory (export "memory") 1)
  (func (export "_start") (loop $ever (br $ever)))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
