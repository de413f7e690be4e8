;; Asks for forty megabytes of random numbers, for ever.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  ;; prelude
  (memory (export "memory") 700)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (loop $ever
      (drop (call $random_get (i32.const 0) (i32.const 40000000)))
      (br $ever))
    unreachable))
