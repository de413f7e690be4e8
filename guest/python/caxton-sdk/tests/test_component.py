import enum
import importlib
import json
import sys
import types
import unittest
from pathlib import Path
from unittest import mock

import caxton_sdk as caxton
from caxton_sdk import Agent, host


class Error(enum.Enum):
    """As in componentize-py's bindings."""

    NOT_FOUND = 0
    MAILBOX_FULL = 4


class Level(enum.Enum):
    """As in componentize-py's bindings."""

    ERROR = 0
    INFO = 2


class Err(Exception):
    """As in componentize-py's bindings."""

    def __init__(self, value):
        self.value = value


class Bindings:
    """The modules that are there while a component is made, around an agent's file."""

    def __init__(self, agent):
        self.sent = []
        self.logs = []
        self.stored = {}
        functions = types.ModuleType("wit_world.imports.host")
        functions.Error = Error
        functions.Level = Level
        functions.send_message = self.send_message
        functions.store_data = self.stored.__setitem__
        functions.load_data = self.stored.get
        functions.log = lambda level, line: self.logs.append((level, line))
        imports = types.ModuleType("wit_world.imports")
        imports.host = functions
        world = types.ModuleType("wit_world")
        world.WitWorld = object
        world.imports = imports
        kinds = types.ModuleType("componentize_py_types")
        kinds.Err = Err
        main = types.ModuleType("main")
        main.__file__ = __file__
        main.agent = agent
        self.modules = {one.__name__: one for one in (functions, imports, world, kinds, main)}

    def send_message(self, message):
        if self.sent:
            raise Err(Error.MAILBOX_FULL)
        self.sent.append(json.loads(message))

    def component(self):
        with mock.patch.dict(sys.modules, self.modules):
            sys.modules.pop("caxton_sdk.component", None)
            return importlib.import_module("caxton_sdk.component")


class ComponentTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(host.attach, host._attached)
        host._attached = None

    def test_exports_call_the_agent_and_the_agent_calls_imports(self):
        agent = Agent({"services": [{"name": "tea"}]})

        @agent.on_init
        def init():
            caxton.store("cups", 3)
            caxton.log(caxton.LogLevel.INFO, f"{caxton.load('cups')} cups")

        @agent.register_handler("tea")
        def tea(message):
            return caxton.load("cups")

        bindings = Bindings(agent)
        component = bindings.component()
        with self.assertRaisesRegex(RuntimeError, "while the agent was being built"):
            caxton.load("cups")
        world = component.WitWorld()
        self.assertEqual(world.agent_init(), 0)
        self.assertEqual(bindings.logs, [(Level.INFO, "3 cups")])
        self.assertEqual(json.loads(world.get_capabilities()), {"services": [{"name": "tea"}]})
        request = '{"performative":"request","sender":"a","content":{"action":"tea"}}'
        self.assertEqual(world.handle_message(request), 0)
        self.assertEqual(bindings.sent[0]["content"], {"result": 3})
        self.assertEqual(world.handle_timer(1), 0)
        self.assertIsNone(world.agent_shutdown())

        self.assertEqual(world.handle_message(request), 1)
        text = "mailbox full: the receiver has no room now; try again later"
        lines = [
            f"HostError: send_message: {text}",
            f"the answer failure to a was not sent: {text}",
        ]
        self.assertEqual(bindings.logs[-2:], [(Level.ERROR, line) for line in lines])

    def test_the_interface_is_that_of_all_kits(self):
        ours = Path(__file__).parents[1] / "wit/agent.wit"
        shared = Path(__file__).parents[3] / "wit/agent.wit"
        if not shared.exists():
            self.skipTest("this is a copy of the kit, without the others")
        self.assertEqual(ours.read_text(), shared.read_text())

    def test_a_file_without_an_agent_is_refused(self):
        with self.assertRaisesRegex(TypeError, r"main\.py has to have an `agent`"):
            Bindings(None).component()
