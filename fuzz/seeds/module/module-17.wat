(module
(import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
(import "caxton" "current_timestamp" (func $now (result i64)))
(memory (export "memory") 2)
(data (i32.const 16) "{\22performative\22:\22inform\22,\22receiver\22:\22host\22,\22in_reply_to\22:\22r1\22,\22content\22:1}")
(func $spin_here (param $until i64)
(local $i i32)
(loop $l
(local.set $i (i32.add (local.get $i) (i32.const 1)))
(br_if $l (i32.rem_u (local.get $i) (i32.const 100000)))
(br_if $l (i64.lt_u (call $now) (local.get $until)))))
(func (export "handle_message") (param i32 i32) (result i32)
(call $spin_here (i64.add (call $now) (i64.const 60000)))
(drop (call $send (i32.const 16) (i32.const 74))) (i32.const 0)))