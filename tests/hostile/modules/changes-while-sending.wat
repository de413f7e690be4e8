;; Sends a message, and writes over it before the turn ends.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"host\",\"in_reply_to\":\"r1\",\"content\":\"as it was sent\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $send_text (i32.const 4096)))
    (memory.fill (i32.const 4096) (i32.const 0x78) (i32.const 1000))
    (i32.const 0)))
