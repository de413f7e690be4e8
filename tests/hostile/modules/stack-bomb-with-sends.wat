;; Calls itself without end, and sends at every depth.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\",\"content\":[[[[]]]]}\00")
  (func $deep (result i32)
    (drop (call $send_text (i32.const 4096)))
    (i32.add (i32.const 1) (call $deep)))
  (func (export "handle_message") (param i32 i32) (result i32) (call $deep)))
