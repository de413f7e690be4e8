;; Stores sixty megabytes, and then some more; loads them into one byte.
(module
  ;; prelude
  (memory (export "memory") 960)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (call $store (i32.const 4096) (i32.const 1) (i32.const 0) (i32.const 60000000)))
    (call $code (call $store (i32.const 4097) (i32.const 2) (i32.const 0) (i32.const 60000000)))
    (call $code (call $data_size (i32.const 4096) (i32.const 1)))
    (call $code (call $load (i32.const 4096) (i32.const 1) (i32.const 0) (i32.const 1)))
    (call $answer)))
