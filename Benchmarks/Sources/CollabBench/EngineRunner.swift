import Collab
import CollabBackends
import CollabKernels

/// The native engine's side of the benchmark.
struct EngineRunner {
    let model: NativeModel
    /// Who reads and writes: the model, or a variant that runs on its engine.
    var speaker: any LogitModel
    private let tokens: [TokenID]

    /// Loads a model and reads a first token.
    init(path: String, threads: Int, keyValueFormat: KeyValueFormat? = nil) async throws {
        let options = NativeOptions(threads: threads, keyValueFormat: keyValueFormat)
        model = try await NativeModel(contentsOf: path, options: options)
        speaker = model
        var state: UInt64 = 1
        let most = min(model.configuration.vocabularySize, 40_000) - 300
        tokens = (0..<8192).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return TokenID(300 + Int(state >> 33) % most)
        }
        _ = try await model.makeDecoder().append([tokens[0]], logits: .last)
    }

    /// Tokens per second of a figure; debaters that are apart bring their whole prompts, as to a server.
    func rate(_ figure: EngineFigure, round: Int, apart: Bool = false) async throws -> Double {
        switch figure {
        case .prefill(let count):
            let decoder = try await speaker.makeDecoder()
            let start = ContinuousClock.now
            _ = try await decoder.append(Array(tokens[..<count]), logits: .last)
            return Double(count) / seconds(since: start)
        case .decode(let prompt, let count):
            return try await write(sequences: 1, prompt: prompt, count: count, whole: true)
        case .greedy(let prompt, let count):
            return try await write(sequences: 1, prompt: prompt, count: count)
        case .answer(let count, let reportsLogprobs):
            let options = GenerationOptions(maximumTokens: count, reportsLogprobs: reportsLogprobs)
            let request = Request.completion("The largest cities of the world are", options: options)
            let start = ContinuousClock.now
            let response = try await model.respond(to: request)
            return Double(response.usage.completionTokens) / seconds(since: start)
        case .batch(let sequences, let prompt, let count):
            return try await write(sequences: sequences, prompt: prompt, count: count)
        case .debate(let debate):
            return try await apart
                ? writeApart(debate, round: round) : write(debate, round: round)
        case .load, .memory:
            return .nan
        }
    }

    /// Writes one token after another until a moment; returns how many a second.
    func rate(until end: ContinuousClock.Instant) async throws -> Double {
        let decoder = try await speaker.makeDecoder()
        var token = best(try await decoder.append(Array(tokens[..<64]), logits: .last)[0])
        let start = ContinuousClock.now
        var count = 0
        while ContinuousClock.now < end, decoder.position < model.contextLength - 1 {
            token = try await next(decoder, [token])
            count += 1
        }
        return Double(count) / seconds(since: start)
    }

    /// The most probable token after some: found in the row, or by the decoder, as greedy answers find it.
    private func next(_ decoder: any Decoder, _ tokens: [TokenID], whole: Bool = false) async throws
        -> TokenID
    {
        if !whole, let decoder = decoder as? any TopTokenDecoder {
            return try await decoder.append(tokens, top: 1, normalized: false).entries[0].token
        }
        return best(try await decoder.append(tokens, logits: .last)[0])
    }

    private func write(sequences: Int, prompt: Int, count: Int, whole: Bool = false) async throws -> Double {
        var starts: [(decoder: any Decoder, token: TokenID)] = []
        for sequence in 0..<sequences {
            let decoder = try await speaker.makeDecoder()
            let text = Array(tokens[7 * sequence..<7 * sequence + prompt])
            starts.append((decoder, best(try await decoder.append(text, logits: .last)[0])))
        }
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (decoder, first) in starts {
                group.addTask {
                    var token = first
                    for _ in 0..<count { token = try await next(decoder, [token], whole: whole) }
                }
            }
            try await group.waitForAll()
        }
        return Double(sequences * count) / seconds(since: start)
    }

    /// The first speaker reads the question, the others begin where it has come to, as a debate's members do.
    private func write(_ debate: EngineFigure.Debate, round: Int) async throws -> Double {
        let question = Array(tokens[37 * round..<37 * round + debate.question])
        let start = ContinuousClock.now
        let reader = try await speaker.makeDecoder()
        _ = try await reader.append(question, logits: .none)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for speaker in 0..<debate.speakers {
                let decoder = try await reader.fork()
                let own = Array(tokens[4096 + 11 * speaker..<4096 + 11 * speaker + debate.own])
                group.addTask {
                    var token = try await next(decoder, own)
                    for _ in 1..<debate.count { token = try await next(decoder, [token]) }
                }
            }
            try await group.waitForAll()
        }
        return Double(debate.speakers * debate.count) / seconds(since: start)
    }
}

extension EngineRunner {
    /// Every speaker brings the question and its own words as one prompt; that they begin alike is for the engine to find.
    private func writeApart(_ debate: EngineFigure.Debate, round: Int) async throws -> Double {
        // Another question than where it is shared by hand, since the engine remembers texts.
        let question = Array(tokens[1000 + 37 * round..<1000 + 37 * round + debate.question])
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for speaker in 0..<debate.speakers {
                let own = tokens[4096 + 11 * speaker..<4096 + 11 * speaker + debate.own]
                group.addTask {
                    let answer = try await model.startDecoding(reading: question + own)
                    var token = best(answer.logits)
                    for _ in 1..<debate.count { token = try await next(answer.decoder, [token]) }
                }
            }
            try await group.waitForAll()
        }
        return Double(debate.speakers * debate.count) / seconds(since: start)
    }
}

func best(_ logits: Logits) -> TokenID {
    TokenID(logits.values.withUnsafeBufferPointer { Distribution.argmax($0) } ?? 0)
}

func seconds(since start: ContinuousClock.Instant) -> Double {
    let elapsed = (ContinuousClock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
}
