;; Sends a hundred messages to somebody who is not there whenever its timer rings, answers whatever comes, failures
;; too, to the same; and lets the timer ring again at once.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (func (export "agent_init") (result i32)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32) (local $n i32)
    (local.set $n (i32.const 100))
    (loop $more
      (drop (call $send_text (i32.const 4096)))
      (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (drop (call $set_timer (i64.const 0)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $send_text (i32.const 4096))))
