;; Writes a message of its own over the one that it was given, and sends it from there.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"host\",\"in_reply_to\":\"r1\",\"content\":\"from the inbox\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (memory.copy (local.get $ptr) (i32.const 4096) (call $len (i32.const 4096)))
    (call $send (local.get $ptr) (call $len (i32.const 4096)))))
