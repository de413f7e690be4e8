;; Asks for a clock that there is not.
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $clock_time_get (i32.const 99) (i64.const 0) (i32.const 8192))))
