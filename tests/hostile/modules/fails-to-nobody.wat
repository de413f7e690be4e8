;; Sends a failure to somebody who is not there, for each message and for each failure.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"failure\",\"receiver\":\"nobody\"}\00")
  (data (i32.const 4160) "{\"performative\":\"not-understood\",\"receiver\":\"nobody\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $send_text (i32.const 4096)))
    (drop (call $send_text (i32.const 4160)))
    (call $answer)))
