;; Asks for all memory that there could be, and for more.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 8192))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (memory.grow (i32.const 65535)))
    (call $code (memory.grow (i32.const 65536)))
    (call $code (memory.grow (i32.const -1)))
    (call $code (memory.size))
    (call $answer)))
