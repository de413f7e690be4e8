;; Sends a message when it begins: its configuration.
(module
  ;; prelude
  (memory (export "memory") 2)
  (data (i32.const 4096) "config")
  (func (export "agent_init") (result i32)
    (drop (call $send (i32.const 8192)
      (call $load (i32.const 4096) (i32.const 6) (i32.const 8192) (i32.const 65536))))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
