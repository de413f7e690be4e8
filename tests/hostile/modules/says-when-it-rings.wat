;; Tells the program when it sets a timer of ten milliseconds, and when that rings; and then sets the next.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"host\",\"content\":\"here\"}\00")
  (func (export "agent_init") (result i32)
    (drop (call $set_timer (i64.const 10000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (drop (call $send_text (i32.const 4096)))
    (drop (call $set_timer (i64.const 10000)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
