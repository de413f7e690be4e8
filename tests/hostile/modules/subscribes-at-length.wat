;; Subscribes with a filter of a megabyte, as long as it may, whenever its timer rings; and lets it ring again at
;; once.
(module
  ;; prelude
  (memory (export "memory") 17)
  (data (i32.const 4096) "{\"topic\":\"")
  (func (export "agent_init") (result i32)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (memory.fill (i32.const 4106) (i32.const 0x78) (i32.const 1000000))
    (i32.store16 (i32.const 1004106) (i32.const 0x7d22))
    (loop $more
      (br_if $more (i32.gt_s (call $subscribe (i32.const 4096) (i32.const 1000012)) (i32.const 0))))
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
