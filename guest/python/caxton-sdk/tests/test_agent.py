import unittest

import caxton_sdk as caxton
from caxton_sdk import Agent, Failure, HostError, LogLevel, NotUnderstood, Refuse
from caxton_sdk.testing import MockHost


def request(action):
    return {"performative": "request", "reply_with": "1", "content": {"action": action}}


def hosted(handler):
    """A host whose agent has one handler."""
    agent = Agent()
    agent.register_handler("work")(handler)
    return MockHost(agent)


def answers(host):
    return [(message.performative, message.content) for message in host.sent]


class RequestTest(unittest.TestCase):
    def test_what_a_handler_returns_is_the_result(self):
        for result in (0, "", False, [], {"a": 1}):
            host = hosted(lambda message, result=result: result)
            self.assertEqual(host.deliver(request("work")), 0)
            self.assertEqual(answers(host), [("inform", {"result": result})])
            self.assertEqual(host.sent[0].in_reply_to, "1")

    def test_a_handler_that_returns_nothing_answers_itself(self):
        def handler(message):
            caxton.send_reply(message, "agree")
            caxton.send_inform_response(message, None)
            caxton.send_failure(message, "no")
            caxton.send_not_understood(message)
            caxton.send_not_understood(message, "what?")

        host = hosted(handler)
        self.assertEqual(host.deliver(request("work")), 0)
        self.assertEqual(
            answers(host),
            [
                ("agree", None),
                ("inform", {"result": None}),
                ("failure", {"error": "no"}),
                ("not-understood", {"error": "Unknown action: work"}),
                ("not-understood", {"error": "what?"}),
            ],
        )

    def test_exceptions_made_for_it_are_answers_and_what_was_done_is_kept(self):
        kinds = ((Failure, "failure"), (Refuse, "refuse"), (NotUnderstood, "not-understood"))
        for kind, performative in kinds:

            def handler(message, kind=kind):
                caxton.store("tried", True)
                raise kind("a")

            host = hosted(handler)
            self.assertEqual(host.deliver(request("work")), 1)
            self.assertEqual(answers(host), [(performative, {"error": "a"})])
            self.assertTrue(host.value("tried"))

    def test_any_other_exception_fails_the_turn_with_its_traceback_in_the_log(self):
        def handler(message):
            caxton.store("tried", True)
            caxton.set_timer(5)
            raise LookupError("out of tea")

        host = hosted(handler)
        with self.assertRaisesRegex(LookupError, "out of tea"):
            host.deliver(request("work"))
        [(level, line)] = host.logs
        self.assertEqual(level, LogLevel.ERROR)
        self.assertRegex(line, "(?s)^Traceback.*test_agent.py.*\nLookupError: out of tea$")
        self.assertEqual((host.sent, host.stored, host.timers), ([], {}, {}))

    def test_a_refusal_of_the_host_that_nobody_catches_is_a_failure(self):
        host = hosted(lambda message: caxton.store("tried", True))
        host.fail("store_data", "limit_exceeded")
        self.assertEqual(host.deliver(request("work")), 1)
        text = HostError("store_data", "limit_exceeded").text
        self.assertEqual(answers(host), [("failure", {"error": text})])
        self.assertEqual(host.logs, [(LogLevel.ERROR, f"HostError: store_data: {text}")])

    def test_an_answer_that_the_host_refuses_is_told_in_the_log(self):
        host = hosted(lambda message: "done")
        host.fail("send_message", "limit_exceeded")
        self.assertEqual(host.deliver(request("work")), 1)
        self.assertEqual(host.sent, [])
        text = HostError("send_message", "limit_exceeded").text
        line = f"the answer failure to tester was not sent: {text}"
        self.assertEqual(host.logs[-1], (LogLevel.ERROR, line))

    def test_a_handler_may_not_be_a_coroutine(self):
        async def handler(message):
            return 5

        host = hosted(handler)
        with self.assertRaisesRegex(TypeError, "may not be a coroutine"):
            host.deliver(request("work"))
        self.assertEqual(host.sent, [])


class DispatchTest(unittest.TestCase):
    def test_handlers_of_acts_get_what_no_handler_of_an_action_gets(self):
        agent = Agent()
        informed = []
        agent.register_handler("work")(lambda message: "work")
        agent.on_message("request")(lambda message: "any request")
        agent.on_message("query-if")(lambda message: True)

        @agent.on_message("inform")
        def inform(message):
            informed.append(message.content)
            return "never sent"

        host = MockHost(agent)
        host.deliver(request("work"))
        host.deliver(request("dance"))
        host.deliver({"performative": "query-if"})
        self.assertEqual(host.deliver({"performative": "inform", "content": 7}), 0)
        results = [content["result"] for _, content in answers(host)]
        self.assertEqual(results, ["work", "any request", True])
        self.assertEqual(informed, [7])

    def test_an_inform_is_not_answered_with_an_error_either(self):
        agent = Agent()

        @agent.on_message("inform")
        def inform(message):
            raise Failure("no")

        host = MockHost(agent)
        self.assertEqual(host.deliver({"performative": "inform"}), 1)
        self.assertEqual(host.sent, [])
        self.assertEqual(host.logs, [(LogLevel.ERROR, "Failure: no")])

    def test_an_agent_without_handlers_does_what_the_others_expect(self):
        host = MockHost(Agent())
        self.assertEqual(host.deliver({"performative": "inform"}), 0)
        self.assertEqual(host.deliver({"performative": "cfp"}), 1)
        self.assertEqual(host.deliver("[]"), 1)
        host.advance(5)
        host.shut_down()
        self.assertEqual(host.capabilities(), {"services": []})
        error = {"error": "Unsupported performative: cfp"}
        self.assertEqual(answers(host), [("not-understood", error)])

    def test_init_timers_and_shutdown_are_called_and_may_fail(self):
        agent = Agent()
        calls = []
        agent.on_init(lambda: calls.append("init"))
        agent.on_timer(calls.append)
        agent.on_shutdown(lambda: caxton.log(LogLevel.DEBUG, "bye"))
        agent.register_handler("wait")(lambda message: calls.append(caxton.set_timer(10)))
        host = MockHost(agent)
        host.deliver(request("wait"))
        host.advance(10)
        host.shut_down()
        self.assertEqual(calls[0], "init")
        self.assertEqual(calls[1], calls[2])
        self.assertEqual(host.logs, [(LogLevel.DEBUG, "bye")])

        @agent.on_timer
        def fire(timer):
            raise Failure("too late")

        host.deliver(request("wait"))
        host.advance(10)
        self.assertEqual(host.code, 1)
        self.assertEqual(host.logs[-1], (LogLevel.ERROR, "Failure: too late"))

        @agent.on_init
        def init():
            raise Failure("no kettle")

        with self.assertRaisesRegex(RuntimeError, "agent_init gave 1"):
            host.restart()

    def test_a_decorator_without_its_brackets_is_explained(self):
        agent = Agent()
        with self.assertRaisesRegex(TypeError, "@agent.register_handler"):
            agent.register_handler(lambda message: 1)
        with self.assertRaisesRegex(TypeError, "@agent.on_message"):
            agent.on_message(lambda message: 1)
