;; Sleeps for as long as can be said.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $sleep (i64.const 0x7fffffffffffffff))
    unreachable))
