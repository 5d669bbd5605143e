/// What is measured of an engine, and how far ahead of llama.cpp it should be.
enum EngineFigure: Hashable {
    case prefill(Int)
    /// One sequence, whole rows of logits handed out.
    case decode(prompt: Int, count: Int)
    /// One sequence of which only the most probable token is wanted.
    case greedy(prompt: Int, count: Int)
    /// A greedy answer to a short text, from the request to the response; rates count its tokens.
    case answer(count: Int, reportsLogprobs: Bool)
    /// Several sequences, the most probable token each time.
    case batch(sequences: Int, prompt: Int, count: Int)
    case debate(Debate)
    /// From nothing to the first token, in a process of its own; the file is in the page cache.
    case load
    /// The most memory that a process of its own takes to load, read 512 tokens and write 64.
    case memory

    /// Several speakers over one question: each reads it and a few tokens of its own, and writes.
    struct Debate: Hashable {
        var speakers = 5
        var question = 400
        var own = 8
        var count = 64
    }

    var name: String {
        switch self {
        case .prefill(let count): "reading \(count) tokens"
        case .decode: "writing, one sequence, all logits"
        case .greedy: "writing, one sequence, most probable token"
        case .answer(_, let reportsLogprobs):
            "a greedy answer, \(reportsLogprobs ? "with" : "without") log-probabilities"
        case .batch(let sequences, _, _): "writing, \(sequences) sequences"
        case .debate(let debate):
            "\(debate.speakers) debaters, \(debate.question) shared tokens, \(debate.count) each"
        case .load: "load to first token"
        case .memory: "peak memory"
        }
    }

    var unit: String {
        switch self {
        case .load: "ms"
        case .memory: "MB"
        default: "tokens/s"
        }
    }

    /// The request to the peer's process; `round` makes every question a new one.
    func command(round: Int) -> String {
        switch self {
        case .prefill(let count): "prefill \(count)"
        case .decode(let prompt, let count), .greedy(let prompt, let count): "decode \(prompt) \(count)"
        case .answer(let count, _): "decode 8 \(count)"
        case .batch(let sequences, let prompt, let count): "batch \(sequences) \(prompt) \(count)"
        case .debate(let debate):
            "debate \(round) \(debate.speakers) \(debate.question) \(debate.own) \(debate.count)"
        case .load: "load"
        case .memory: "memory"
        }
    }

    /// How our figure stands to the peer's: times as fast, or the share of its memory.
    func ratio(ours: Double, theirs: Double) -> Double {
        self == .load ? theirs / ours : ours / theirs
    }
}

/// One line of the table that the engine is held to.
struct EngineRow {
    var figure: EngineFigure
    var threads: Int
    /// The ratio to llama.cpp that must be reached, and the one aimed at; at most, for memory.
    var bar: Double?
    var aim: Double?

    /// The rows for a model; bars are known for the two models of the set-up.
    static func all(model: String, threads: Int) -> [EngineRow] {
        let kind = model.lowercased()
        let bars: [EngineFigure: (bar: Double, aim: Double)]
        var alone: (Double, Double)?
        if kind.contains("smollm2-135m") {
            bars = [decode: (2.3, 3.2), prefill: (5, 7), batch(8): (5, 8), debate: (4, 7), .load: (1, 1.3)]
            alone = (1.8, 2.4)
        } else if kind.contains("gemma-3-270m") {
            bars = [
                greedy: (2.3, 3.5), decode: (1.7, 2.5), prefill: (3, 4), batch(8): (4, 6), debate: (4, 7),
                .load: (2, 2.8),
            ]
            alone = (1.5, 1.8)
        } else {
            bars = [:]
        }
        var rows = [EngineRow(figure: decode, threads: 1, bar: alone?.0, aim: alone?.1)]
        for figure in [
            decode, greedy, answer(true), answer(false), prefill, batch(2), batch(4), batch(8), debate, .load,
        ] {
            rows.append(
                EngineRow(figure: figure, threads: threads, bar: bars[figure]?.bar, aim: bars[figure]?.aim)
            )
        }
        let memory = bars.isEmpty ? nil : (1.5, 1.2)
        rows.append(EngineRow(figure: .memory, threads: threads, bar: memory?.0, aim: memory?.1))
        return rows
    }

    private static let decode = EngineFigure.decode(prompt: 128, count: 128)
    private static let greedy = EngineFigure.greedy(prompt: 128, count: 128)
    private static let prefill = EngineFigure.prefill(512)
    private static let debate = EngineFigure.debate(EngineFigure.Debate())

    private static func answer(_ reportsLogprobs: Bool) -> EngineFigure {
        .answer(count: 128, reportsLogprobs: reportsLogprobs)
    }

    private static func batch(_ sequences: Int) -> EngineFigure {
        .batch(sequences: sequences, prompt: 128, count: 64)
    }
}
