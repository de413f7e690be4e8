;; Stores 64 KiB under one key after another; says how often, and the last code.
(module
  ;; prelude
  (memory (export "memory") 2)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $code i32)
    (loop $more
      (i32.store (i32.const 4096) (local.get $n))
      (local.set $code (call $store (i32.const 4096) (i32.const 4) (i32.const 0) (i32.const 65536)))
      (if (i32.eqz (local.get $code))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more))))
    (call $code (local.get $n))
    (call $code (local.get $code))
    (call $answer)))
