;; Sends from, and to names in, ranges that it does not have.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (data (i32.const 4608) "nobody\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (loop $next
      (call $code (call $send_local (i32.const 4608) (i32.const 6) (call $bad_ptr (local.get $n)) (call $bad_len (local.get $n))))
      (call $code (call $send_local (call $bad_ptr (local.get $n)) (call $bad_len (local.get $n)) (i32.const 4096) (call $len (i32.const 4096))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (i32.const 8))))
    (call $answer)))
