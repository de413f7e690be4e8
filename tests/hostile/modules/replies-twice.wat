;; Answers each message twice.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"host\",\"in_reply_to\":\"r1\",\"content\":1}\00")
  (data (i32.const 4352) "{\"performative\":\"inform\",\"receiver\":\"host\",\"in_reply_to\":\"r1\",\"content\":2}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $send_text (i32.const 4096)))
    (drop (call $send_text (i32.const 4352)))
    (i32.const 0)))
