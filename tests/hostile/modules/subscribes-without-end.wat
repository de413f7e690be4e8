;; Subscribes to everything until it may not; says how often, and the last code.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $n i32) (local $code i32)
    (loop $more
      (local.set $code (call $subscribe (i32.const 4096) (i32.const 2)))
      (if (i32.gt_s (local.get $code) (i32.const 0))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more))))
    (call $code (local.get $n))
    (call $code (local.get $code))
    (call $code (call $unsubscribe (i32.const 0)))
    (call $code (call $unsubscribe (i32.const -1)))
    (call $answer)))
