"""An agent that greets by name, counts its greetings, and reminds when the time has come."""

from caxton_sdk import (
    Agent,
    Failure,
    FipaMessage,
    HostError,
    LogLevel,
    cancel_timer,
    delete_data,
    load,
    log,
    send_inform_response,
    send_reply,
    set_timer,
    store,
)

agent = Agent(
    {"version": "0.1.0", "performatives": ["request"], "services": [{"name": "greeting"}]}
)

# From here on, not every language reads whole numbers in JSON exactly.
TOO_LATE = 2**53


@agent.on_init
def ready():
    log(LogLevel.INFO, "my-agent is ready")


@agent.register_handler("greet")
def greet(message):
    name = message.content.get("name")
    if not isinstance(name, str) or not name:
        raise Failure('Expected a name, as in {"action": "greet", "name": "Ada"}')
    # Stored data outlives a restart, and variables do not.
    greeted = load("greeted", 0) + 1
    store("greeted", greeted)
    # What a handler returns is the result of the answer.
    return {"greeting": f"Hello, {name}!", "greeted": greeted}


@agent.register_handler("remind")
def remind(message):
    micros, text = message.content.get("after_micros"), message.content.get("text")
    # True is a whole number to Python.
    if type(micros) is not int or not 0 <= micros < TOO_LATE or not isinstance(text, str):
        raise Failure(
            "Expected microseconds and a text, "
            'as in {"action": "remind", "after_micros": 1000, "text": "tea"}'
        )
    timer = set_timer(micros)
    try:
        reminder = {"message": message.without_content().to_dict(), "text": text}
        store(reminder_key(timer), reminder)
    except HostError:
        cancel_timer(timer)
        raise
    send_reply(message, "agree")


@agent.on_timer
def ring(timer):
    key = reminder_key(timer)
    reminder = load(key)
    if reminder is None:
        return
    delete_data(key)
    send_inform_response(FipaMessage.from_dict(reminder["message"]), {"reminder": reminder["text"]})


def reminder_key(timer):
    return f"reminder:{timer}"
