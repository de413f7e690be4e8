;; Sends messages that are too large, and as many large ones as a turn may.
(module
  ;; prelude
  (memory (export "memory") 40)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\",\"content\":\00")
  (func $write (param $size i32) (result i32)
    ;; A content of $size bytes behind the text at 4096; the length of the message.
    (memory.fill (i32.const 4151) (i32.const 0x39) (local.get $size))
    (i32.store8 (i32.add (i32.const 4151) (local.get $size)) (i32.const 0x7d))
    (i32.add (i32.const 56) (local.get $size)))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $code i32) (local $size i32)
    (if (i32.eqz (call $is_request (local.get $ptr))) (then (return (i32.const 0))))
    (call $code (call $send (i32.const 4096) (call $write (i32.const 2000000))))
    (local.set $size (call $write (i32.const 1000000)))
    (loop $more
      (local.set $code (call $send (i32.const 4096) (local.get $size)))
      (if (i32.eqz (local.get $code))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more))))
    (call $code (local.get $n))
    (call $code (local.get $code))
    (call $answer)))
