;; Loops for ever in its start function.
(module
  (memory (export "memory") 1)
  (func $start (loop $ever (br $ever)))
  (start $start)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
