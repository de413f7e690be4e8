;; Loads into, and with keys in, ranges that it does not have.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4608) "nobody\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32)
    (call $code (call $store (i32.const 4608) (i32.const 6) (i32.const 4608) (i32.const 6)))
    (loop $next
      (call $code (call $load (i32.const 4608) (i32.const 6) (call $bad_ptr (local.get $n)) (call $bad_len (local.get $n))))
      (call $code (call $load (call $bad_ptr (local.get $n)) (call $bad_len (local.get $n)) (i32.const 4608) (i32.const 6)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (i32.const 8))))
    (call $code (call $load (i32.const 4608) (i32.const 6) (i32.const 65534) (i32.const 2)))
    ;; At the end of the memory, and a byte too far.
    (call $code (call $load (i32.const 4608) (i32.const 6) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 6)) (i32.const 6)))
    (call $code (call $load (i32.const 4608) (i32.const 6) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 5)) (i32.const 6)))
    (call $answer)))
