;; Stores nothing under one new key after another whenever its timer rings, as many as it may; and lets it ring
;; again at once.
(module
  ;; prelude
  (memory (export "memory") 1)
  (func (export "agent_init") (result i32)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    ;; First: when it can store no more, it can do nothing else in this turn.
    (drop (call $set_timer (i64.const 0)))
    (loop $more
      (i32.store (i32.const 4096) (i32.add (i32.load (i32.const 4096)) (i32.const 1)))
      (br_if $more (i32.eqz (call $store (i32.const 4096) (i32.const 4) (i32.const 0) (i32.const 0)))))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
