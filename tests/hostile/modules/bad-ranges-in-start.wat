;; Sends and logs from its start function, before the host has seen its memory.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (func $start
    (if (i32.ne (call $send (i32.const -1) (i32.const -1)) (i32.const -2)) (then unreachable))
    (call $log (i32.const 65535) (i32.const 2))
    (if (i32.ne (call $send_text (i32.const 4096)) (i32.const 0)) (then unreachable)))
  (start $start)
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
