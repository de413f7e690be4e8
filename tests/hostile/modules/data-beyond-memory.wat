;; Has data that lie behind its memory.
(module
  (memory (export "memory") 1)
  (data (i32.const 65530) "0123456789")
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
