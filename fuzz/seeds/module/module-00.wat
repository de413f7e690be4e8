(module
(import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
(func $malloc (export "malloc") (param i32) (result i32)
(i32.const 4096))
(func (export "free") (param i32))
(memory (export "memory") 2)
(data (i32.const 16) "{\22performative\22:\22inform\22,\22receiver\22:\22host\22,\22in_reply_to\22:\22r1\22,\22content\22:\22done\22}")
(func (export "handle_message") (param i32 i32) (result i32)
(local $n i32)
(local.set $n (i32.const 5))
(loop $more
(drop (memory.grow (i32.const 0)))
(br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
(call $send (i32.const 16) (i32.const 79))))