;; Sleeps for no time at all, for ever.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (loop $ever (call $sleep (i64.const 0)) (br $ever))
    unreachable))
