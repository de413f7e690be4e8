(module
(import "caxton" "send_message" (func $send_message (param i32 i32) (result i32)))
(import "caxton" "sleep_micros" (func $sleep_micros (param i64)))
(memory (export "memory") 1)
(data (i32.const 16) "{\"performative\": \"inform\", \"receiver\": \"host\", \"in_reply_to\": \"r1\", \"content\": \"done\"}")
(func (export "handle_message") (param i32 i32) (result i32)
(call $sleep_micros (i64.const 300000))
(drop (call $send_message (i32.const 16) (i32.const 86)))
(i32.const 0)))