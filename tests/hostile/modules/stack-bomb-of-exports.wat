;; Handlers that call each other without end.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func $message (export "handle_message") (param i32 i32) (result i32)
    (i32.add (i32.const 1) (call $timer (local.get 0))))
  (func $timer (export "handle_timer") (param i32) (result i32)
    (call $end)
    (i32.add (i32.const 1) (call $message (local.get 0) (i32.const 0))))
  (func $end (export "agent_shutdown") (drop (call $alloc (i32.const 1))))
  (func $alloc (export "caxton_alloc") (param i32) (result i32) (i32.const 8192)))
