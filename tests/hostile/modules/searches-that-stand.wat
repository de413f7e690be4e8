;; Begins 40 standing searches for everybody whenever its timer rings, ends them when it rings again, and lets it
;; ring after that.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"subscribe\",\"receiver\":\"df\",\"conversation_id\":\"s0\",\"content\":{\"action\":\"search\"}}\00")
  (data (i32.const 4352) "{\"performative\":\"cancel\",\"receiver\":\"df\",\"conversation_id\":\"s0\"}\00")
  (global $stand (mut i32) (i32.const 0))
  ;; Sends the text at $at 40 times, each with another character at $digit.
  (func $send_all (param $at i32) (param $digit i32) (local $n i32)
    (loop $more
      (i32.store8 (local.get $digit) (i32.add (i32.const 48) (local.get $n)))
      (drop (call $send_text (local.get $at)))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 40)))))
  (func (export "agent_init") (result i32)
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_timer") (param i32) (result i32)
    (if (global.get $stand)
      (then (call $send_all (i32.const 4352) (i32.const 4413)))
      (else (call $send_all (i32.const 4096) (i32.const 4160))))
    (global.set $stand (i32.eqz (global.get $stand)))
    (drop (call $set_timer (i64.const 1000)))
    (i32.const 0))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (i32.const 0)))
