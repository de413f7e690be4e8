import unittest

import caxton_sdk as caxton
from caxton_sdk import Agent, FipaMessage, HostError, LogLevel
from caxton_sdk import host as functions
from caxton_sdk.testing import MockHost


def message(**fields):
    return FipaMessage(**{"performative": "inform", "receiver": "worker", **fields})


class HostTest(unittest.TestCase):
    def setUp(self):
        agents = {"worker": ["tea", "cake"], "other": ["tea"], "agent": ["tea"]}
        self.host = MockHost(Agent(), agents=agents)

    def refused(self, kind, code):
        test = self

        class Refused:
            def __enter__(self):
                self.raises = test.assertRaises(HostError)
                self.raises.__enter__()

            def __exit__(self, *exception):
                caught = self.raises.__exit__(*exception)
                error = self.raises.exception
                test.assertEqual((error.kind, error.code), (kind, code))
                return caught

        return Refused()

    def test_refusals_are_errors_that_say_what_happened(self):
        codes = {
            "not_found": -1,
            "invalid_argument": -2,
            "permission_denied": -3,
            "limit_exceeded": -4,
            "mailbox_full": -6,
        }
        for kind, code in codes.items():
            self.host.fail("send_message", kind)
            with self.refused(kind, code):
                caxton.send_message(message())
        self.host.fail("set_timer", "limit_exceeded")
        with self.assertRaises(HostError) as raised:
            caxton.set_timer(1)
        self.assertRegex(raised.exception.text, "^limit exceeded: ")
        self.assertEqual(str(raised.exception), f"set_timer: {raised.exception.text}")
        self.host.fail("set_timer", None)
        self.assertGreater(caxton.set_timer(1), 0)
        with self.assertRaises(ValueError):
            self.host.fail("setTimer", "not_found")
        with self.assertRaises(KeyError):
            self.host.fail("set_timer", "broken")

    def test_every_function_can_fail(self):
        calls = {
            "send_message": lambda: caxton.send_message(message()),
            "send_local_message": lambda: caxton.send_local_message("worker", message()),
            "broadcast_message": lambda: caxton.broadcast_message({}, message()),
            "subscribe_messages": lambda: caxton.subscribe_messages({}),
            "unsubscribe_messages": lambda: caxton.unsubscribe_messages(1),
            "set_timer": lambda: caxton.set_timer(1),
            "cancel_timer": lambda: caxton.cancel_timer(1),
            "store_data": lambda: caxton.store("a", 1),
            "delete_data": lambda: caxton.delete_data("a"),
        }
        for call, work in calls.items():
            self.host.fail(call, "limit_exceeded")
            with self.refused("limit_exceeded", -4):
                work()

    def test_messages_are_sent_as_the_agents(self):
        caxton.send_message(message(content="Zoë 🦀 \ud800"))
        caxton.send_local_message("other", FipaMessage("request"))
        pairs = [(sent.sender, sent.receiver) for sent in self.host.sent]
        self.assertEqual(pairs, [("agent", "worker"), ("agent", "other")])
        self.assertEqual(self.host.sent[0].content, "Zoë 🦀 \ufffd")

    def test_messages_that_are_none_or_anothers_are_refused(self):
        with self.refused("invalid_argument", -2):
            caxton.send_message(FipaMessage("inform"))
        self.assertRegex(self.host.logs[-1][1], "no `receiver`")
        with self.refused("invalid_argument", -2):
            caxton.send_message(message(performative="shout"))
        with self.refused("permission_denied", -3):
            caxton.send_message(message(sender="worker"))
        with self.refused("limit_exceeded", -4):
            caxton.send_message(message(content="x" * (1 << 20)))
        with self.refused("not_found", -1):
            caxton.send_local_message("nobody", message())
        self.assertEqual(self.host.sent, [])

    def test_an_agent_may_speak_as_whom_the_message_was_for(self):
        agent = Agent()
        agent.register_handler("speak")(lambda asked: caxton.send_message(message(sender="alias")))
        host = MockHost(agent)
        content = {"action": "speak"}
        host.deliver(FipaMessage("request", ["alias", "agent"], content, sender="tester"))
        self.assertEqual(host.sent[0].sender, "agent")
        with self.refused("permission_denied", -3):
            caxton.send_message(message(sender="alias"))

    def test_broadcasts_reach_others_that_match(self):
        self.assertEqual(caxton.broadcast_message({}, FipaMessage("inform")), 2)
        both = {"services": ["tea", "cake"]}
        self.assertEqual(caxton.broadcast_message(both, FipaMessage("inform")), 1)
        self.assertEqual(caxton.broadcast_message({"receiver": "other"}, FipaMessage("inform")), 1)
        self.assertEqual([sent.receiver for sent in self.host.sent], ["*", "*", "*"])
        self.assertEqual(self.host.broadcasts[1].filter, both)
        with self.refused("invalid_argument", -2):
            caxton.broadcast_message({"colour": "red"}, FipaMessage("inform"))

    def test_subscriptions_begin_and_end(self):
        subscription = caxton.subscribe_messages({"topic": ["news"]})
        self.assertGreater(subscription, 0)
        self.assertEqual(self.host.subscriptions, {subscription: {"topic": ["news"]}})
        caxton.unsubscribe_messages(subscription)
        with self.refused("not_found", -1):
            caxton.unsubscribe_messages(subscription)
        for filter in ([], "news", {"topic": 5}):
            with self.refused("invalid_argument", -2):
                caxton.subscribe_messages(filter)
        for _ in range(64):
            caxton.subscribe_messages({})
        with self.refused("limit_exceeded", -4):
            caxton.subscribe_messages({})

    def test_data_is_kept_by_its_key(self):
        self.assertIsNone(caxton.load("a"))
        self.assertEqual(caxton.load("a", 7), 7)
        self.assertIsNone(caxton.load_data("a"))
        self.assertIsNone(caxton.data_size("a"))
        value = {"text": 'Zoë "🦀"', "list": [1, None, True], "id": 2**70}
        caxton.store("a", value)
        self.assertEqual(caxton.load("a"), value)
        self.assertEqual(self.host.value("a"), value)
        self.assertEqual(caxton.data_size("a"), len(self.host.stored["a"]))
        caxton.store_data("ключ", b"\0\xff\x80")
        self.assertEqual(caxton.load_data("ключ"), b"\0\xff\x80")
        with self.assertRaisesRegex(ValueError, 'stored under "ключ" cannot be read'):
            caxton.load("ключ")
        caxton.delete_data("a")
        self.assertIsNone(caxton.load("a"))
        with self.refused("not_found", -1):
            caxton.delete_data("a")
        with self.refused("invalid_argument", -2):
            caxton.store("ü" * 2049, 1)
        with self.refused("limit_exceeded", -4):
            caxton.store_data("b", bytes(64 << 20))
        self.assertEqual(MockHost(Agent(), config={"cups": 3}).value("config"), {"cups": 3})

    def test_values_of_other_types_are_found_out(self):
        for wrong in (-1, 1.5, "7", None, True, 2**64):
            for call in (caxton.set_timer, caxton.sleep_micros, caxton.cancel_timer):
                with self.subTest(wrong), self.assertRaises((TypeError, ValueError)):
                    call(wrong)
        with self.assertRaises(ValueError):
            caxton.cancel_timer(2**32)
        with self.assertRaisesRegex(TypeError, "store keeps any value"):
            caxton.store_data("a", "text")
        with self.assertRaises(TypeError):
            caxton.load(5)
        with self.assertRaises(TypeError):
            caxton.console_log({})
        with self.assertRaises(ValueError):
            caxton.log(6, "x")

    def test_lines_have_their_levels_and_are_utf_8(self):
        caxton.console_log("a\ud800")
        caxton.console_error("b")
        for level in LogLevel:
            caxton.log(level, level.name)
        levels = [level for level, _ in self.host.logs]
        self.assertEqual(levels, [LogLevel.INFO, LogLevel.ERROR, *LogLevel])
        self.assertEqual([int(level) for level in LogLevel], [1, 2, 3, 4, 5])
        self.assertEqual(self.host.logs[0][1], "a\ufffd")

    def test_timers_fire_in_order_when_the_clock_moves_and_so_do_those_that_they_set(self):
        agent = Agent()
        fired = []

        @agent.on_timer
        def fire(timer):
            fired.append((timer, caxton.current_timestamp()))
            if len(fired) == 1:
                caxton.set_timer(5)

        host = MockHost(agent)
        begin = host.now
        late, early, cancelled = caxton.set_timer(20), caxton.set_timer(10), caxton.set_timer(15)
        self.assertEqual(host.timers, {late: 20, early: 10, cancelled: 15})
        caxton.cancel_timer(cancelled)
        with self.refused("not_found", -1):
            caxton.cancel_timer(cancelled)
        host.advance(9)
        self.assertEqual(fired, [])
        host.advance(11)
        self.assertEqual([at - begin for _, at in fired], [10, 15, 20])
        self.assertEqual((fired[0][0], fired[2][0]), (early, late))
        caxton.sleep_micros(100)
        self.assertEqual(caxton.current_timestamp(), begin + 120)
        for _ in range(1024):
            caxton.set_timer(1)
        with self.refused("limit_exceeded", -4):
            caxton.set_timer(1)

    def test_chance_differs_from_call_to_call_and_not_from_run_to_run(self):
        first = [caxton.random_u32(), caxton.random_u32()]
        self.assertNotEqual(*first)
        MockHost(Agent())
        self.assertEqual([caxton.random_u32(), caxton.random_u32()], first)
        self.assertTrue(all(0 <= one < 2**32 for one in first))

    def test_a_turn_sees_its_own_writes(self):
        agent = Agent()

        @agent.register_handler("count")
        def count(asked):
            caxton.store("n", caxton.load("n", 0) + 1)
            caxton.store("n", caxton.load("n") + 1)
            return caxton.load("n")

        host = MockHost(agent)
        for _ in range(2):
            host.deliver({"performative": "request", "content": {"action": "count"}})
        self.assertEqual([sent.content["result"] for sent in host.sent], [2, 4])

    def test_there_is_no_host_while_an_agent_is_built(self):
        self.addCleanup(functions.attach, functions._attached)
        functions._attached = None
        with self.assertRaisesRegex(RuntimeError, "while the agent was being built"):
            caxton.load("config")
