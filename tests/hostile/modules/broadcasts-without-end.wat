;; Broadcasts to all who can do `crowd` whenever its timer rings, and lets it ring again at once.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"capabilities\":[\"crowd\"]}")
  (data (i32.const 4160) "{\"performative\":\"inform\",\"content\":1}")
  (func (export "agent_init") (result i32)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (drop (call $broadcast (i32.const 4096) (i32.const 26) (i32.const 4160) (i32.const 37)))
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
