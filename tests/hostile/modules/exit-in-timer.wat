;; Each message sets a timer, and each timer exits.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_timer") (param i32) (result i32) (call $exit (i32.const 1)) (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (call $set_timer (i64.const 0)))
    (call $answer)))
