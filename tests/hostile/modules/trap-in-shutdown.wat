;; Traps when it is asked to end.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "agent_shutdown") unreachable)
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
