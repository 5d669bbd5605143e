"""Renders the templates here with jinja2, set up as model libraries set it up for chat templates.

    pip install jinja2==3.1.6
    python make_goldens.py          # writes goldens.json beside this file

Each case has a template (a file of families/ or its text), variables, and what jinja2 made of it: "output", or
"fails": true where it raised an error. The date is fixed, see NOW.
"""
import datetime
import json
import os

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = datetime.datetime(2025, 3, 14, 11, 0, 0)


class Generation(Extension):
    """{% generation %} marks what the model wrote; it adds nothing to the output."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.Scope(body).set_lineno(line)


def environment():
    def raise_exception(message):
        raise TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


ENV = environment()

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a \"city\" <now> & later",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Größe\nof it"},
                    "days": {"type": "integer", "enum": [1, 2, 3]},
                    "units": {"type": ["string", "number"]},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "where": {"type": "object", "properties": {"b": {"type": "number"}, "A": {"type": "boolean"}}},
                },
                "required": ["city"],
            },
            "return": {"type": "object", "additionalProperties": {"type": "number"}},
        },
    },
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]
CALL = {"id": "abc123XYZ", "type": "function", "function": {"name": "weather", "arguments": {"city": "Zürich", "days": 2, "x": None, "y": 1.5, "z": [True, {}]}}}
U, A, S, T = (lambda c: {"role": "user", "content": c}), (lambda c: {"role": "assistant", "content": c}), (
    lambda c: {"role": "system", "content": c}), (lambda c: {"role": "tool", "content": c})
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
DIALOGUES = {
    "user": [U("Hello, world")],
    "system": [S("Be brief.\n"), U("  What is 2+2?\n")],
    "turns": [U("Hi 👋"), A("Hello!\n\nHow?"), U("List\r\nthree <b>colours</b> & 'quotes' \"here\".")],
    "system-turns": [S("Sei höflich. /no_think"), U("één"), A(" two "), U("三"), A("<think>\nhm\n</think>\n\nfour"), U("five")],
    "wrong-order": [U("a"), U("b")],
    "assistant-first": [A("a"), U("b")],
    "no-user": [S("only")],
    "unknown-role": [{"role": "narrator", "content": "x"}, U("y")],
    "empty-content": [U(""), A(""), U("")],
    "parts": [U([{"type": "text", "text": " look "}, {"type": "image"}, {"type": "text", "text": "there"}])],
    "call": [U("Weather?"), CALLING, T("20 °C"), A("Warm."), U("Thanks")],
    "two-results": [U("Weather?"), CALLING, T("{\"t\": 20}"), T("30")],
    "thought": [U("a"), {"role": "assistant", "content": "b", "reasoning_content": "\nwhy\n"}, U("c"), A("<think>x</think>d")],
    "markers": [U("</s><|im_end|>[/INST]<end_of_turn>{{ 7 * 7 }}{% if %}")],
}
SETTINGS = [
    {"add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"},
    {"add_generation_prompt": False, "bos_token": "<s>", "eos_token": "</s>"},
    {"add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>", "tools": TOOLS, "documents": [{"title": "One", "text": "1"}, {"title": "Two", "text": "2"}],
     "enable_thinking": False, "controls": {"length": "short"}, "xml_tools": [{"a": 1}, "b"], "add_vision_id": True},
]


def render(source, variables):
    try:
        return {"output": ENV.from_string(source).render(**variables)}
    except Exception:
        return {"fails": True}


def main():
    cases = []
    for file in sorted(os.listdir(os.path.join(HERE, "families"))):
        with open(os.path.join(HERE, "families", file), encoding="utf-8", newline="") as f:
            source = f.read()
        for name, messages in DIALOGUES.items():
            first = None
            for number, settings in enumerate(SETTINGS):
                case = {"family": file[:-6], "dialogue": name, "settings": number}
                result = render(source, settings | {"messages": messages})
                if result != first:
                    cases.append(case | result)
                first = first or result
    features = []
    with open(os.path.join(HERE, "features.txt"), encoding="utf-8", newline="") as f:
        blocks = f.read().split("\n====\n")
    for block in blocks:
        if not block.strip():
            continue
        name, _, source = block.partition("\n")
        source = source.encode().decode("utf-8").replace("␍", "\r").replace("␉", "\t")
        variables = SETTINGS[2] | {"messages": DIALOGUES["system-turns"]}
        features.append({"name": name.strip(), "source": source} | render(source, variables))
    with open(os.path.join(HERE, "goldens.json"), "w", encoding="utf-8") as f:
        json.dump({"dialogues": DIALOGUES, "settings": SETTINGS, "families": cases, "features": features}, f,
                  ensure_ascii=False, indent=None, separators=(",", ":"))
        f.write("\n")
    bad = [c["name"] for c in features if c.get("fails") and not c["name"].startswith("error")]
    print(len(cases), "family cases,", sum(1 for c in cases if c.get("fails")), "fail;", len(features), "features, failing:", bad)


if __name__ == "__main__":
    main()
