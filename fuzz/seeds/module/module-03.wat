(module
(import "caxton" "send_message" (func $send_message (param i32 i32) (result i32)))
(memory (export "memory") 1)
(data (i32.const 16) "{\"performative\": \"inform\", \"receiver\": \"host\", \"content\": \"bye\"}")
(func (export "agent_shutdown")
(drop (call $send_message (i32.const 16) (i32.const 64))))
(func (export "handle_message") (param i32 i32) (result i32)
(i32.const 0)))