(module
(import "caxton" "send_message" (func $send_message (param i32 i32) (result i32)))
(memory (export "memory") 1)
(data (i32.const 16) "{\"performative\": \"inform\", \"receiver\": \"host\", \"in_reply_to\": \"r1\", \"content\": \"done\"}")
(func (export "malloc") (param i32) (result i32) (i32.const 32768))
(func (export "handle_message") (param i32 i32) (result i32)
(if (i32.ne (memory.grow (i32.const 9)) (i32.const -1)) (then unreachable))
(drop (call $send_message (i32.const 16) (i32.const 86)))
(i32.const 0)))