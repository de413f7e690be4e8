;; Stores, loads, measures and deletes under a key of ten megabytes, and under none at all.
(module
  ;; prelude
  (memory (export "memory") 160)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (call $store (i32.const 0) (i32.const 10000000) (i32.const 0) (i32.const 1)))
    (call $code (call $load (i32.const 0) (i32.const 10000000) (i32.const 0) (i32.const 1)))
    (call $code (call $data_size (i32.const 0) (i32.const 10000000)))
    (call $code (call $delete (i32.const 0) (i32.const 10000000)))
    (call $code (call $store (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
    (call $code (call $data_size (i32.const 0) (i32.const 0)))
    (call $answer)))
