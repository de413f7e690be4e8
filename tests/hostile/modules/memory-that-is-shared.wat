;; Exports a memory that threads share, and waits in it for ever in its start function.
(module
  (memory (export "memory") 1 1 shared)
  (func $start (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
  (start $start)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
