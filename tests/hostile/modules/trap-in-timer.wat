;; Each message sets a timer, and each timer traps.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_timer") (param i32) (result i32) unreachable)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (call $set_timer (i64.const 0)))
    (call $answer)))
