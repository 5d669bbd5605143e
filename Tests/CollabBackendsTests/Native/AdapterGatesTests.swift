import Collab
import Foundation
import Testing

@testable import CollabBackends

/// What a token chooses is worked out by hand from the vector that the matrix reads, and the result compared with the
/// adapters at those fixed weights; `AdaptedModelTests` and PEFT's goldens vouch for these.
@Suite("Tokens choose among adapters")
struct AdapterGatesTests {
    private static let layer = 1
    private static let path = "model.layers.1.mlp.up_proj"

    private func options() -> NativeOptions {
        var options = TinyModels.options
        options.weightFormat = .float
        return options
    }

    /// Adapters of one matrix of the last layer, behind which tokens do not see one another any more.
    private func adapters(_ count: Int, of checkpoint: any Checkpoint) throws -> [LowRankAdapter] {
        try (0..<count).map { place in
            let whole = try TinyAdapters.make("a\(place)", for: checkpoint, rank: 2, seed: UInt64(place + 1))
            return try LowRankAdapter(whole.name, modules: whole.modules.filter { $0.path == Self.path })
        }
    }

    private func gates(_ count: Int, width: Int, seed: UInt64) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in (0..<width).map { _ in Float(generator.nextUnit()) } }
    }

    /// What the matrix reads at each position.
    private func inputs(of model: NativeModel, _ tokens: [TokenID]) async throws -> [[Float]] {
        let found = Protected([Int: [Float]]())
        let probe = ActivationProbe { layer, tensor, position, vector in
            if layer == Self.layer, tensor == .gate {
                found.withLock { $0[position] = Array(vector) }
            }
        }
        _ = try await model.makeNativeDecoder().run(tokens, Readout(), probe: probe)
        let all = found.withLock { $0 }
        return tokens.indices.compactMap { all[$0] }
    }

    /// The shares of all adapters for an input, from the definitions.
    private func shares(_ x: [Float], _ gates: [[Float]], _ score: AdapterGates.Score, choosing count: Int)
        -> [Float]
    {
        func standardised(_ vector: [Float]) -> [Double] {
            let mean = vector.reduce(0) { $0 + Double($1) } / Double(vector.count)
            let variance = vector.reduce(0) { $0 + pow(Double($1) - mean, 2) } / Double(vector.count)
            return vector.map { (Double($0) - mean) / variance.squareRoot() }
        }
        let scores = gates.map { gate -> Double in
            switch score {
            case .magnitude: abs(zip(gate, x).reduce(0) { $0 + Double($1.0) * Double($1.1) })
            case .correlation:
                zip(standardised(gate), standardised(x)).reduce(0) { $0 + $1.0 * $1.1 }
                    / Double(x.count).squareRoot()
            }
        }
        let chosen = scores.indices.sorted { scores[$0] > scores[$1] }.prefix(count)
        let total = chosen.reduce(0) { $0 + exp(scores[$1]) }
        return scores.indices.map { chosen.contains($0) ? Float(exp(scores[$0]) / total) : 0 }
    }

    @Test(
        "every token is computed under the adapters whose gates score highest, by softmax over their scores",
        arguments: [AdapterGates.Score.correlation, .magnitude],
        [1, 2, 3]
    )
    func shares(_ score: AdapterGates.Score, _ count: Int) async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint, options: options())
        let adapters = try adapters(3, of: checkpoint)
        let gates = gates(3, width: adapters[0].modules[0].shape[1], seed: 4)
        let routed = try await model.adapted(
            by: adapters,
            gates: AdapterGates(gates.map { [Self.path: $0] }, score: score),
            choosing: count,
            weights: [1, 0.5, -1]
        )
        let tokens = Array(try TinyModels.sequences().long.prefix(10))
        let found = try await routed.makeDecoder().append(tokens, logits: .all)
        var choices: Set<Int> = []
        for (position, x) in try await inputs(of: model, tokens).enumerated() {
            let shares = shares(x, gates, score, choosing: count)
            choices.insert(shares.indices.max { shares[$0] < shares[$1] } ?? 0)
            let fixed = try await model.adapted(
                by: adapters,
                weights: zip(shares, [1, 0.5, -1]).map { $0 * $1 }
            )
            let expected = try await fixed.makeDecoder().append(
                Array(tokens[...position]),
                logits: .last
            )
            expectClose([found[position].values], [try #require(expected.last).values])
        }
        #expect(score == .magnitude || choices.count > 1, "not all tokens choose the same adapter")
    }

    @Test("in a batch and on several threads every token chooses as if alone", arguments: [1, 3])
    func company(threads: Int) async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let options = NativeOptions(
            threads: threads,
            promptCacheLimit: 0,
            precision: .float,
            weightFormat: .eightBit
        )
        let base = try await TinyModels.model(checkpoint, options: options)
        let adapters = try (1...3).map {
            try TinyAdapters.make("a\($0)", for: checkpoint, rank: $0, seed: UInt64($0))
        }
        let routed = try await base.adapted(by: adapters, gates: .arrow(adapters), choosing: 2)
        let tokens = try TinyModels.sequences().long
        let alone = try await routed.makeDecoder().append(tokens, logits: .last).map(\.values)
        let models: [any LogitModel] = [routed, base, try await base.adapted(by: [adapters[0]]), routed]
        let together = try await concurrently(models) { (model) async throws(CollabError) in
            try await model.makeDecoder().append(tokens, logits: .last).map(\.values)
        }
        #expect(together[0] == alone && together[3] == alone)
        #expect(together[2] != alone && together[1] != alone)
        // Token by token the same numbers.
        let decoder = try await routed.makeDecoder()
        var last: [Float] = []
        for token in tokens { last = try await decoder.append(token).values }
        #expect([last] == alone)
    }

    @Test("where all are chosen by equal scores, each counts as its part of the whole")
    func equal() async throws {
        let checkpoint = try TinyModels.checkpoint("gemma3")
        let model = try await TinyModels.model(checkpoint, options: options())
        let adapters = try (1...2).map {
            try TinyAdapters.make("a\($0)", for: checkpoint, seed: UInt64($0))
        }
        let zeros = adapters.map { adapter in
            Dictionary(
                uniqueKeysWithValues: adapter.modules.map {
                    ($0.path, [Float](repeating: 1, count: $0.shape[1]))
                }
            )
        }
        let routed = try await model.adapted(by: adapters, gates: AdapterGates(zeros))
        let halves = try await model.adapted(by: adapters, weights: [0.5, 0.5])
        let tokens = try TinyModels.sequences().long
        expectClose(
            try await routed.makeDecoder().append(tokens, logits: .all).map(\.values),
            try await halves.makeDecoder().append(tokens, logits: .all).map(\.values)
        )
        // Of equal scores the first adapter's counts as higher.
        let first = try await model.adapted(by: adapters, gates: AdapterGates(zeros), choosing: 1)
        let alone = try await model.adapted(by: [adapters[0]])
        #expect(
            try await first.makeDecoder().append(tokens, logits: .last).map(\.values)
                == alone.makeDecoder().append(tokens, logits: .last).map(\.values)
        )
    }

    @Test("an adapter's own gates are the inputs that it changes most")
    func arrow() throws {
        // B A of rank 1 with A along (0.6, 0.8).
        let adapter = try LowRankAdapter(
            "a",
            modules: [
                .init(path: "m", rank: 2, scale: 3, a: [3, 4, 0, 0], b: [1, 0, 2, 0, -1, 0])
            ]
        )
        let row = try AdapterGates.arrow([adapter]).row(of: adapter.modules[0], adapter: 0, named: "a")
        #expect(abs(abs(row[0]) - 0.6) < 1e-6 && abs(abs(row[1]) - 0.8) < 1e-6)
        #expect(row[0] * row[1] > 0)
    }

    @Test("gates from texts prefer each adapter on its own texts")
    func texts() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint, options: options())
        let adapters = try adapters(2, of: checkpoint)
        let texts: [[[TokenID]]] = [[[3, 4, 5, 3, 4]], [[20, 21, 22, 23], [21, 20]]]
        let gates = try await AdapterGates.texts(texts, for: adapters, readBy: model)
        let rows = try adapters.indices.map {
            try gates.row(of: adapters[$0].modules[0], adapter: $0, named: "")
        }
        for (own, texts) in texts.enumerated() {
            var mean = [Float](repeating: 0, count: rows[0].count)
            for text in texts {
                for x in try await inputs(of: model, text) {
                    for place in x.indices { mean[place] += x[place] }
                }
            }
            let scores = rows.map { zip($0, mean).reduce(0) { $0 + $1.0 * $1.1 } }
            #expect(scores[own] > scores[1 - own])
        }
        let error = await #expect(throws: CollabError.self) {
            try await AdapterGates.texts([[[1]], [[]]], for: adapters, readBy: model)
        }
        #expect(error?.code == .invalidRequest && error?.message.contains("a1") == true)
    }

    @Test("gates that were encoded are the same again")
    func encoded() throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let gates = try AdapterGates.arrow(adapters(2, of: checkpoint))
        let read = try JSONDecoder().decode(AdapterGates.self, from: JSONEncoder().encode(gates))
        #expect(read == gates && read.vectors[1][Self.path] != nil && read.score == .magnitude)
    }

    @Test("gates that are missing, too short or no numbers are refused by name")
    func refused() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint, options: options())
        let adapters = try adapters(1, of: checkpoint)
        let width = adapters[0].modules[0].shape[1]
        let cases: [([[String: [Float]]], CollabError.Code)] = [
            ([[:]], .tensorMismatch), ([[Self.path: [1]]], .tensorMismatch), ([], .invalidRequest),
            ([[Self.path: [Float](repeating: .nan, count: width)]], .notFinite),
        ]
        for (vectors, code) in cases {
            let error = await #expect(throws: CollabError.self) {
                try await model.adapted(by: adapters, gates: AdapterGates(vectors))
            }
            #expect(error?.code == code)
        }
        let error = await #expect(throws: CollabError.self) {
            try await model.adapted(by: adapters, gates: .arrow(adapters), choosing: 0)
        }
        #expect(error?.code == .invalidRequest)
    }

    private func expectClose(_ found: [[Float]], _ expected: [[Float]]) {
        #expect(found.count == expected.count)
        for (position, pair) in zip(found, expected).enumerated() {
            let distance = zip(pair.0, pair.1).map { abs($0 - $1) }.max() ?? .infinity
            #expect(distance <= 1e-4 * (pair.1.map(abs).max() ?? 1), "position \(position)")
        }
    }
}
