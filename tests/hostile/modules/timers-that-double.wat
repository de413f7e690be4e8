;; Each timer sets two more, with no delay, as long as it may; answers 1 once a thousand came.
(module
  ;; prelude
  (memory (export "memory") 1)
  (global $came (mut i32) (i32.const 0))
  (func (export "agent_init") (result i32) (drop (call $set_timer (i64.const 0))) (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (global.set $came (i32.add (global.get $came) (i32.const 1)))
    (drop (call $set_timer (i64.const 0)))
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (call $code (i32.ge_u (global.get $came) (i32.const 1000))) (call $answer)))
