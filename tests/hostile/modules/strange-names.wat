;; Names with NUL, control characters and line ends as receivers, topics and conversations.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"honest-1\\u0000\"}\00")
  (data (i32.const 4224) "{\"performative\":\"inform\",\"receiver\":[\"\\n\",\"\\u001b[2J\",\"topic:\\u0000\",\"\\u202e\"],\"conversation_id\":\"\\u0000\",\"reply_with\":\"\\n\"}\00")
  (data (i32.const 4480) "honest-1\00")
  (data (i32.const 4608) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (call $send_text (i32.const 4096)))
    (call $code (call $send_text (i32.const 4224)))
    ;; The zero belongs to the name.
    (call $code (call $send_local (i32.const 4480) (i32.const 9) (i32.const 4608) (call $len (i32.const 4608))))
    (call $code (call $send_local (i32.const 4480) (i32.const 0) (i32.const 4608) (call $len (i32.const 4608))))
    (call $answer)))
