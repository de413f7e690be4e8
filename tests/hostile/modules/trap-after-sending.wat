;; Answers, stores, logs and sets a timer, and then traps: only the log line is to be left.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "it was here\00")
  (func (export "handle_timer") (param i32) (result i32) unreachable)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (i32.const 1))
    (drop (call $answer))
    (drop (call $store (i32.const 4096) (i32.const 2) (i32.const 4096) (i32.const 11)))
    (drop (call $set_timer (i64.const 0)))
    (call $log (i32.const 4096) (i32.const 11))
    unreachable))
