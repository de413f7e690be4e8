;; Sleeps for nearly a second at each message.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $sleep (i64.const 990000))
    (i32.const 0)))
