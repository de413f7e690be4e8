;; Calls a function that its table does not have, and has one of the wrong type.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (call_indirect (result i32) (i32.const 0))))
