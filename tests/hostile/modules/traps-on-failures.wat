;; Writes to somebody who is not there, and traps on the failure that comes back.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (if (i32.eqz (call $is_request (local.get $ptr))) (then unreachable))
    (drop (call $send_text (i32.const 4096)))
    (call $code (i32.const 1))
    (call $answer)))
