;; Waits for the clock to come to its end.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    ;; One subscription: the monotonic clock, in 2^63 nanoseconds.
    (i32.store (i32.const 8208) (i32.const 1))
    (i64.store (i32.const 8216) (i64.const 0x7fffffffffffffff))
    (drop (call $poll_oneoff (i32.const 8192) (i32.const 8300) (i32.const 1) (i32.const 8400)))
    unreachable))
