;; Sleeps for ever in its allocator.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "caxton_alloc") (param i32) (result i32) (call $sleep (i64.const 0x7fffffffffffffff)) (i32.const 8192))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
