;; Begins with four gigabytes of memory.
(module
  (memory (export "memory") 65536)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
