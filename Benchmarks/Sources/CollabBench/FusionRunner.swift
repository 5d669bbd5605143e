import Collab
import Synchronization

/// Writes with one model or a fusion, as an answer is written, and measures how fast.
struct FusionRunner {
    /// What is to be written about; long enough that no answer ends early.
    var request = Request("Write a long story about a ship that is lost in a storm.")
    /// How many tokens are written.
    var count = 64

    /// Tokens a second, without reading the prompt.
    ///
    /// Each token is chosen by a sampler that knows its log-probability, which is what an answer does.
    func rate(_ model: some LogitModel, _ sampling: Sampling = .greedy, seed: UInt64 = 1) async throws
        -> Double
    {
        let start = try await model.startDecoding(request)
        return try await rate(of: start, sampling, seed: seed)
    }

    /// Tokens a second from a place at which a prompt has been read.
    func rate(of start: DecodingStart, _ sampling: Sampling, seed: UInt64) async throws -> Double {
        var sampler = TokenSampler(sampling, seed: seed)
        var token = try sampler.choose(from: start.logits).token
        let top = sampling.temperature == 0 ? start.decoder as? any TopTokenDecoder : nil
        let begin = ContinuousClock.now
        for _ in 0..<count {
            if let top {
                token = try await top.append([token], top: 1).entries[0].token
            } else {
                token = try sampler.choose(from: try await start.decoder.append(token)).token
            }
        }
        return Double(count) / seconds(since: begin)
    }
}

/// Several things measured in turns, so that each meets the same weather.
struct Turns {
    /// The values of each, round by round.
    private(set) var values: [[Double]]

    /// Measures each of some figures once a round; the first round warms up and does not count.
    init(rounds: Int, _ figures: [() async throws -> Double]) async throws {
        values = Array(repeating: [], count: figures.count)
        for round in 0...rounds {
            for (index, figure) in figures.enumerated() {
                let value = try await figure()
                if round > 0 { values[index].append(value) }
            }
        }
    }

    /// The median of one figure.
    func value(_ index: Int) -> Double { median(values[index]) }

    /// The median of the rounds' ratios of one figure to another.
    func ratio(_ index: Int, to other: Int) -> Double {
        median(zip(values[index], values[other]).map { $0 / $1 })
    }
}

/// A model that says rows which are there already: what is left of a fusion is its arithmetic.
struct RowModel: LogitModel, Identifiable {
    let id: Int
    let rows: [Logits]
    let vocabulary: any Tokenizer

    init(id: Int, vocabulary: any Tokenizer, rows count: Int) {
        self.id = id
        self.vocabulary = vocabulary
        var state = UInt64(id + 1)
        // Like a language model's: most tokens are hopeless, and the members agree on what is not.
        rows = (0..<count).map { row in
            var common = UInt64(row + 77)
            return Logits(
                (0..<vocabulary.count).map { _ in
                    4 * Self.normal(&common) + Self.normal(&state)
                }
            )
        }
    }

    /// Nearly normal: a sum of four uniform numbers.
    private static func normal(_ state: inout UInt64) -> Float {
        var sum: Float = 0
        for _ in 0..<4 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            sum += Float(state >> 40) / Float(1 << 24) - 0.5
        }
        return sum * 1.7
    }

    var name: String { "rows \(id)" }
    var tokenizer: any Tokenizer { vocabulary }
    var contextLength: Int { 4096 }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] { [0] }
    func makeDecoder() async throws(CollabError) -> any Collab.Decoder { RowDecoder(rows) }
}

private final class RowDecoder: Collab.Decoder {
    private let rows: [Logits]
    private let count = Mutex(0)

    init(_ rows: [Logits]) { self.rows = rows }

    var position: Int { count.withLock { $0 } }
    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        let position = count.withLock { count in
            count += tokens.count
            return count
        }
        return logits == .none ? [] : [rows[position % rows.count]]
    }
    func truncate(to count: Int) async throws(CollabError) { self.count.withLock { $0 = count } }
    func fork() async throws(CollabError) -> any Collab.Decoder { RowDecoder(rows) }
}
