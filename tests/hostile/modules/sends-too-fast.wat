;; Sends until it is told that it sends too much.
(module
  ;; prelude
  (memory (export "memory") 1)
  (data (i32.const 4096) "{\"performative\":\"inform\",\"receiver\":\"nobody\"}\00")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $code i32)
    (if (i32.eqz (call $is_request (local.get $ptr))) (then (return (i32.const 0))))
    (loop $more (br_if $more (i32.eqz (local.tee $code (call $send_text (i32.const 4096))))))
    (call $code (local.get $code))
    (call $answer)))
