;; Claims capabilities that its deployer did not list.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"services\":[{\"name\":\"payments\"},{\"name\":\"\\u0000\\n\"},{\"name\":\"\"}]}\00")
  (func (export "get_capabilities") (param $ptr i32) (param $len i32) (result i32) (memory.copy (local.get $ptr) (i32.const 4096) (call $len (i32.const 4096))) (call $len (i32.const 4096)))
  (func (export "handle_message") (param i32 i32) (result i32) (call $code (i32.const 1)) (call $answer)))
