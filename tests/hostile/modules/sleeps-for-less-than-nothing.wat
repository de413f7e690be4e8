;; Sleeps for -1 microseconds, which read without a sign is the longest time of all.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $sleep (i64.const -1))
    unreachable))
