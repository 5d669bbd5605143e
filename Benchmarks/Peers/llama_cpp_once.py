"""Measures llama.cpp once, in a process that has done nothing else.

    python llama_cpp_once.py load MODEL.gguf THREADS      milliseconds from nothing to the first token
    python llama_cpp_once.py memory MODEL.gguf THREADS    megabytes at the most, beyond the empty process, to load,
                                                          read 512 tokens and write 64

Needs llama-cpp-python, as llama_cpp_rates.py does.
"""
import sys
import time

import llama_cpp.llama_cpp as api

from llama_cpp_rates import SILENT, Engine


def peak():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def main():
    figure, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    api.llama_log_set(SILENT, None)
    api.llama_backend_init()
    before = peak()
    start = time.perf_counter()
    engine = Engine(model, threads)
    if figure == "load":
        engine.open(1)
        engine.read(1)
        print((time.perf_counter() - start) * 1e3)
        return
    engine.prefill(512)
    engine.decode(64, 64)
    print(peak() - before)


if __name__ == "__main__":
    main()
