;; Its allocator sends, stores, subscribes and sets timers, and answers before the message is there.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (data (i32.const 4224) "{}\00")
  (func (export "caxton_alloc") (param i32) (result i32)
    (call $code (call $send_text (i32.const 4096)))
    (call $code (call $store (i32.const 4096) (i32.const 2) (i32.const 4096) (i32.const 2)))
    (call $code (call $subscribe (i32.const 4224) (i32.const 2)))
    (call $code (call $answer))
    (i32.const 8192))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
