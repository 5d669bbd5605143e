"""Measures llama.cpp on request, one figure a line, so that another program can take turns with it.

    python llama_cpp_rates.py MODEL.gguf THREADS

Needs llama-cpp-python, built for this machine: CMAKE_ARGS="-DGGML_NATIVE=ON" pip install llama-cpp-python.
Reads lines from standard input and answers each with tokens per second:

    prefill N      reading N tokens
    decode P N     writing N tokens, the most probable each time, after P tokens
    batch S P N    the same for S sequences at once, in total
    debate R S Q P N   S sequences write N tokens each after one question of Q tokens, read once and shared, and P
                       tokens of their own; R chooses the question; the time of reading counts

The first line of output names the build.
"""
import random
import sys
import time

import llama_cpp.llama_cpp as api
import numpy


class Engine:
    LONGEST = 2048

    def __init__(self, path, threads):
        parameters = api.llama_model_default_params()
        parameters.n_gpu_layers = 0
        self.model = api.llama_model_load_from_file(path.encode(), parameters)
        if not self.model:
            raise SystemExit("llama.cpp cannot load " + path)
        self.threads = threads
        self.vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))
        self.context = None
        generator = random.Random(1)
        self.tokens = [generator.randrange(300, min(self.vocabulary, 40000)) for _ in range(8192)]

    def open(self, sequences):
        if self.context is not None:
            api.llama_free(self.context)
            api.llama_batch_free(self.batch)
        parameters = api.llama_context_default_params()
        parameters.n_ctx = self.LONGEST if sequences == 1 else 512 * sequences
        parameters.n_batch = self.LONGEST
        parameters.n_ubatch = 512
        parameters.n_seq_max = sequences
        parameters.n_threads = parameters.n_threads_batch = self.threads
        for name, value in (("kv_unified", True), ("n_outputs_max", sequences), ("n_outputs_max_per_seq", 1)):
            if hasattr(parameters, name):
                setattr(parameters, name, value)
        self.context = api.llama_init_from_model(self.model, parameters)
        if not self.context:
            raise SystemExit("llama.cpp cannot make a context")
        self.batch = api.llama_batch_init(self.LONGEST, 0, sequences)

    def step(self, rows):
        """rows: (token, position, sequence, whether logits are wanted)"""
        for index, (token, position, sequence, wanted) in enumerate(rows):
            self.batch.token[index] = token
            self.batch.pos[index] = position
            self.batch.n_seq_id[index] = 1
            self.batch.seq_id[index][0] = sequence
            self.batch.logits[index] = wanted
        self.batch.n_tokens = len(rows)
        if api.llama_decode(self.context, self.batch):
            raise SystemExit("llama.cpp cannot decode")

    def best(self, index):
        logits = api.llama_get_logits_ith(self.context, index)
        return int(numpy.ctypeslib.as_array(logits, shape=(self.vocabulary,)).argmax())

    def read(self, count, sequence=0, offset=0):
        rows = [(self.tokens[offset + i], i, sequence, i == count - 1) for i in range(count)]
        self.step(rows)
        return self.best(count - 1)

    def prefill(self, count):
        self.open(1)
        self.read(16)
        api.llama_memory_clear(api.llama_get_memory(self.context), True)
        start = time.perf_counter()
        self.read(count)
        return count / (time.perf_counter() - start)

    def decode(self, prompt, count):
        return self.batched(1, prompt, count)

    def batched(self, sequences, prompt, count):
        self.open(sequences)
        current = [self.read(prompt, sequence, 7 * sequence) for sequence in range(sequences)]
        start = time.perf_counter()
        for position in range(prompt, prompt + count):
            self.step([(current[s], position, s, 1) for s in range(sequences)])
            current = [self.best(s) for s in range(sequences)]
        return sequences * count / (time.perf_counter() - start)

    def debate(self, turn, sequences, question, own, count):
        self.open(sequences)
        start = time.perf_counter()
        text = self.tokens[37 * turn : 37 * turn + question]
        self.step([(token, i, 0, 0) for i, token in enumerate(text)])
        memory = api.llama_get_memory(self.context)
        for sequence in range(1, sequences):
            api.llama_memory_seq_cp(memory, 0, sequence, -1, -1)
        rows = []
        for sequence in range(sequences):
            text = self.tokens[4096 + 11 * sequence : 4096 + 11 * sequence + own]
            rows += [(token, question + i, sequence, i == own - 1) for i, token in enumerate(text)]
        self.step(rows)
        current = [self.best(own * sequence + own - 1) for sequence in range(sequences)]
        for position in range(question + own, question + own + count - 1):
            self.step([(current[s], position, s, 1) for s in range(sequences)])
            current = [self.best(s) for s in range(sequences)]
        return sequences * count / (time.perf_counter() - start)


def main():
    api.llama_log_set(SILENT, None)
    api.llama_backend_init()
    engine = Engine(sys.argv[1], int(sys.argv[2]))
    print(api.llama_print_system_info().decode(), flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        measure = {"prefill": engine.prefill, "decode": engine.decode, "batch": engine.batched, "debate": engine.debate}[
            command
        ]
        print(measure(*numbers), flush=True)


SILENT = api.llama_log_callback(lambda level, text, data: None)

if __name__ == "__main__":
    main()
