;; Writes to somebody who is not there, again for each failure that comes back; answers 1 once fifty came.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (global $came (mut i32) (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (global.set $came (i32.add (global.get $came) (i32.const 1)))
    (drop (call $send_text (i32.const 4096)))
    (if (i32.eqz (call $is_request (local.get $ptr))) (then (return (i32.const 0))))
    (call $code (i32.ge_u (global.get $came) (i32.const 50)))
    (call $answer)))
