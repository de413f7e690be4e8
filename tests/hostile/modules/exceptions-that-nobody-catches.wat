;; Throws an exception.
(module
  (memory (export "memory") 1)
  (tag $thrown)
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (throw $thrown)))
