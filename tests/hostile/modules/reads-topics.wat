;; Has fifty subscriptions of the same three topics.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"topic\":[\"t1\",\"t5000\",\"t9999\"]}")
  (func (export "agent_init") (result i32) (local $n i32)
    (local.set $n (i32.const 50))
    (loop $more
      (drop (call $subscribe (i32.const 4096) (i32.const 56)))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
