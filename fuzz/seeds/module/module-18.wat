(module
(import "caxton" "send_message" (func $send_message (param i32 i32) (result i32)))
(memory (export "memory") 1)
(data (i32.const 16) "{\"performative\": \"agree\", \"receiver\": \"host\", \"in_reply_to\": \"r1\", \"content\": \"soon\"}")
(data (i32.const 112) "{\"performative\": \"inform\", \"receiver\": \"host\", \"in_reply_to\": \"r1\", \"content\": \"done\"}")
(func (export "handle_message") (param i32 i32) (result i32)
(drop (call $send_message (i32.const 16) (i32.const 85)))
(drop (call $send_message (i32.const 112) (i32.const 86)))
(i32.const 0)))