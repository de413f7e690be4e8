  ;; What the modules share; it stands where one of them says `;; prelude`, after its own imports.
  ;; Addresses below 4096 belong to it.
  (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
  (import "caxton" "send_local_message" (func $send_local (param i32 i32 i32 i32) (result i32)))
  (import "caxton" "broadcast_message" (func $broadcast (param i32 i32 i32 i32) (result i32)))
  (import "caxton" "subscribe_messages" (func $subscribe (param i32 i32) (result i32)))
  (import "caxton" "unsubscribe_messages" (func $unsubscribe (param i32) (result i32)))
  (import "caxton" "current_timestamp" (func $now (result i64)))
  (import "caxton" "random_u32" (func $random (result i32)))
  (import "caxton" "sleep_micros" (func $sleep (param i64)))
  (import "caxton" "set_timer" (func $set_timer (param i64) (result i32)))
  (import "caxton" "cancel_timer" (func $cancel_timer (param i32) (result i32)))
  (import "caxton" "store_data" (func $store (param i32 i32 i32 i32) (result i32)))
  (import "caxton" "load_data" (func $load (param i32 i32 i32 i32) (result i32)))
  (import "caxton" "delete_data" (func $delete (param i32 i32) (result i32)))
  (import "caxton" "data_size" (func $data_size (param i32 i32) (result i32)))
  (import "caxton" "console_log" (func $log (param i32 i32)))
  (import "caxton" "console_error" (func $error (param i32 i32)))
  (import "caxton" "log" (func $log_at (param i32 i32 i32)))

  ;; The answer to an ask of the cases: its content is an array of the numbers that $code was given.
  (data (i32.const 439) "{\"performative\":\"inform\",\"receiver\":\"host\",\"in_reply_to\":\"r1\",\"content\":[")
  (global $end (mut i32) (i32.const 512))
  (func $put (param $byte i32)
    (i32.store8 (global.get $end) (local.get $byte))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $digits (param $n i32)
    (if (i32.ge_u (local.get $n) (i32.const 10))
      (then (call $digits (i32.div_u (local.get $n) (i32.const 10)))))
    (call $put (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10)))))
  (func $code (param $n i32)
    (if (i32.gt_u (global.get $end) (i32.const 512)) (then (call $put (i32.const 44))))
    (if (i32.lt_s (local.get $n) (i32.const 0))
      (then (call $put (i32.const 45)) (local.set $n (i32.sub (i32.const 0) (local.get $n)))))
    (call $digits (local.get $n)))
  (func $answer (result i32)
    (call $put (i32.const 93)) (call $put (i32.const 125))
    (call $send (i32.const 439) (i32.sub (global.get $end) (i32.const 439)))
    (global.set $end (i32.const 512)))

  ;; The length of a text that ends in a zero.
  (func $len (param $at i32) (result i32) (local $n i32)
    (loop $next
      (if (i32.load8_u (i32.add (local.get $at) (local.get $n)))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $next))))
    (local.get $n))
  (func $send_text (param $at i32) (result i32)
    (call $send (local.get $at) (call $len (local.get $at))))

  ;; Whether the message at $ptr is a request, as the asks of the cases are.
  (func $is_request (param $ptr i32) (result i32)
    (i32.eq (i32.load (i32.add (local.get $ptr) (i32.const 17))) (i32.const 0x75716572)))

  ;; Eight ranges that no module of a page has; some of them overflow.
  (data (i32.const 16)
    "\00\00\00\40\01\00\00\00" "\01\00\00\00\00\00\00\40" "\f0\ff\ff\7f\20\00\00\00"
    "\ff\ff\ff\ff\01\00\00\00" "\ff\ff\ff\ff\ff\ff\ff\ff" "\00\00\00\00\ff\ff\ff\ff"
    "\00\00\00\80\00\00\00\80" "\ff\ff\ff\7f\ff\ff\ff\7f")
  (func $bad_ptr (param $n i32) (result i32)
    (i32.load (i32.add (i32.const 16) (i32.mul (local.get $n) (i32.const 8)))))
  (func $bad_len (param $n i32) (result i32)
    (i32.load (i32.add (i32.const 20) (i32.mul (local.get $n) (i32.const 8)))))
