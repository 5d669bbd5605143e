"""Microseconds a call of a flow as a LangGraph graph whose models answer at once. Needs PyPI's langgraph.

Usage: langgraph_rates.py single|pipeline|cascade|vote|debate ANSWERS
"""

import asyncio
import collections
import operator
import sys
import time
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    question: str
    answers: Annotated[list, operator.add]
    answer: str
    round: int


def instant(name, text):
    async def node(state):
        return {"answers": [(name, text)]}
    return node


def majority(answers):
    return collections.Counter(text for _, text in answers).most_common(1)[0][0]


MEMBERS = {"yes": "42", "no": "41", "maybe": "42"}


def single():
    graph = StateGraph(State)
    graph.add_node("yes", instant("yes", "42"))
    graph.add_edge(START, "yes")
    graph.add_edge("yes", END)
    return graph, 1


def vote():
    graph = StateGraph(State)
    graph.add_node("settle", lambda state: {"answer": majority(state["answers"])})
    for name, text in MEMBERS.items():
        graph.add_node(name, instant(name, text))
        graph.add_edge(START, name)
    graph.add_edge(list(MEMBERS), "settle")
    graph.add_edge("settle", END)
    return graph, 3


def cascade():
    graph = StateGraph(State)
    graph.add_node("no", instant("no", "41"))
    graph.add_node("yes", instant("yes", "42"))
    graph.add_edge(START, "no")
    graph.add_conditional_edges("no", lambda state: END if state["answers"][-1][1] == "42" else "yes")
    graph.add_edge("yes", END)
    return graph, 2


def debate():
    graph = StateGraph(State)
    graph.add_node("read", lambda state: {"round": state.get("round", 0) + 1})
    graph.add_node("settle", lambda state: {"answer": majority(state["answers"][-3:])})
    graph.add_edge(START, "read")
    for name, text in MEMBERS.items():
        graph.add_node(name, instant(name, text))
        graph.add_edge("read", name)
    graph.add_edge(list(MEMBERS), "settle")
    graph.add_conditional_edges("settle", lambda state: "read" if state["round"] < 3 else END)
    return graph, 9


async def main():
    graph, calls = {"single": single, "pipeline": vote, "cascade": cascade, "vote": vote, "debate": debate}[sys.argv[1]]()
    answers = int(sys.argv[2])
    app = graph.compile()
    for _ in range(max(answers // 10, 1)):
        await app.ainvoke({"question": "What is 17 + 25?", "answers": []})
    start = time.perf_counter()
    for _ in range(answers):
        await app.ainvoke({"question": "What is 17 + 25?", "answers": []})
    print((time.perf_counter() - start) * 1e6 / (answers * calls))


asyncio.run(main())
