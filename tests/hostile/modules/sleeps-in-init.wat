;; Sleeps for ever in its init.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "agent_init") (result i32) (call $sleep (i64.const 0x7fffffffffffffff)) (i32.const 0))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
