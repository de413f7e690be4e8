;; Sends five hundred messages to somebody who is not there.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $sent i32)
    (if (i32.eqz (call $is_request (local.get $ptr))) (then (return (i32.const 0))))
    (loop $more
      (if (i32.eqz (call $send_text (i32.const 4096))) (then (local.set $sent (i32.add (local.get $sent) (i32.const 1)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 500))))
    (call $code (local.get $sent))
    (call $answer)))
