;; Sends, names, stores and logs bytes that are no UTF-8.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\",\"content\":\"\ff\fe\"}\00")
  (data (i32.const 4224) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (data (i32.const 4352) "\f0\28\8c\28\00")
  (data (i32.const 4384) "{\"sender\":\"\c0\80\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (call $code (call $send_text (i32.const 4096)))
    (call $code (call $send_local (i32.const 4352) (i32.const 4) (i32.const 4224) (call $len (i32.const 4224))))
    (call $code (call $subscribe (i32.const 4384) (call $len (i32.const 4384))))
    (call $code (call $broadcast (i32.const 4384) (call $len (i32.const 4384)) (i32.const 4224) (call $len (i32.const 4224))))
    ;; Keys are bytes.
    (call $code (call $store (i32.const 4352) (i32.const 4) (i32.const 4352) (i32.const 4)))
    (call $code (call $data_size (i32.const 4352) (i32.const 4)))
    (call $log (i32.const 4352) (i32.const 4))
    (call $answer)))
