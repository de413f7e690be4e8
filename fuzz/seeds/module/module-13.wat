(module
(import "caxton" "sleep_micros" (func $sleep_micros (param i64)))
(memory (export "memory") 1)
(func (export "handle_message") (param i32 i32) (result i32)
(call $sleep_micros (i64.const 600000000))
(i32.const 0)))