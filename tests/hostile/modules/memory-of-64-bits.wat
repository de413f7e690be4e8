;; Has a memory with addresses of 64 bits.
(module
  (memory (export "memory") i64 1)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
