;; Sends to one honest agent until it may not hold more of its mailbox; says how often, and the code.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"honest-0\"}\00")
  (data (i32.const 4224) "honest-0\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $code i32)
    (if (i32.eqz (call $is_request (local.get $ptr))) (then (return (i32.const 0))))
    (loop $more
      (local.set $code (call $send_local (i32.const 4224) (i32.const 8) (i32.const 4096) (call $len (i32.const 4096))))
      (if (i32.eqz (local.get $code))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more))))
    (call $code (local.get $n))
    (call $code (local.get $code))
    (call $answer)))
