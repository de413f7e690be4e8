;; Loops for ever in the `_initialize` of a WASI reactor.
(module
  (memory (export "memory") 1)
  (func (export "_initialize") (loop $ever (br $ever)))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
