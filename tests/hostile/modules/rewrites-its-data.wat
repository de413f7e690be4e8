;; Stores fifteen values of a megabyte whenever its timer rings, always others, and lets it ring again at once.
(module
  ;; prelude
  (memory (export "memory") 17)
  (func (export "agent_init") (result i32)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (local $n i32)
    (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
    (loop $more
      (i32.store (i32.const 4096) (local.get $n))
      (drop (call $store (i32.const 4096) (i32.const 4) (i32.const 8192) (i32.const 1000000)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 15))))
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
