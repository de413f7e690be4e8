;; Agrees to do it, a hundred times, and never does.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"agree\",\"receiver\":\"host\",\"in_reply_to\":\"r1\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (loop $more
      (drop (call $send_text (i32.const 4096)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 100))))
    (i32.const 0)))
