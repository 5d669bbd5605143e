import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("Gates are trained")
struct GateTrainingTests {
    private static let path = "model.layers.1.mlp.down_proj"

    private func model(_ name: String = "llama") async throws -> NativeModel {
        var options = TinyModels.options
        options.weightFormat = .float
        return try await TinyModels.model(try TinyModels.checkpoint(name), options: options)
    }

    /// Texts of tokens of one kind, in any order.
    private func texts(of kind: Range<TokenID>, count: Int, seed: UInt64) -> [[TokenID]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in (0..<12).map { _ in TokenID.random(in: kind, using: &generator) } }
    }

    /// An adapter that makes the tokens of a kind likelier after a token of the kind: of the last feed-forward block's
    /// mean input on a text it makes the tokens' mean row of the output matrix.
    private func adapter(
        _ name: String,
        making kind: Range<TokenID>,
        likelierIn texts: [[TokenID]],
        of model: NativeModel
    ) async throws -> LowRankAdapter {
        let tied = model.checkpoint.description(of: "lm_head.weight") == nil
        let matrix = try model.checkpoint.values(of: tied ? "model.embed_tokens.weight" : "lm_head.weight")
        let width = model.configuration.embeddingLength
        var likelier = [Float](repeating: 0, count: width)
        for token in kind { for place in 0..<width { likelier[place] += matrix[Int(token) * width + place] } }
        let read = try await model.meanInputs(texts)[1][AdapterSet.Input.down.rawValue]
        func unit(_ vector: [Float]) -> [Float] {
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return vector.map { $0 / length }
        }
        let length = read.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return try LowRankAdapter(
            name,
            modules: [
                .init(path: Self.path, rank: 1, scale: 6 / length, a: unit(read), b: unit(likelier))
            ]
        )
    }

    @Test(
        "texts of two kinds are likelier by gates trained on their kinds than if adapters were chosen by chance"
    )
    func routes() async throws {
        let model = try await model()
        let kinds: [Range<TokenID>] = [3..<13, 40..<50]
        let known = kinds.enumerated().map { texts(of: $1, count: 8, seed: UInt64($0)) }
        var adapters: [LowRankAdapter] = []
        for (place, kind) in kinds.enumerated() {
            let name = "a\(place)"
            adapters.append(try await adapter(name, making: kind, likelierIn: known[place], of: model))
        }
        let gates = try await AdapterGates.trained(
            on: known,
            for: adapters,
            over: model,
            by: GateTraining(steps: 30, rate: 0.02, batch: 4)
        )
        let routed = try await model.adapted(by: adapters, gates: gates, choosing: 1)
        var (gain, whole) = (0.0, 0.0)
        for (place, kind) in kinds.enumerated() {
            let own = try await model.adapted(by: [adapters[place]])
            let other = try await model.adapted(by: [adapters[1 - place]])
            var (found, best, worst) = (0.0, 0.0, 0.0)
            for text in texts(of: kind, count: 6, seed: 100 + UInt64(place)) {
                found += try await routed.logprobs(of: text).reduce(0, +)
                best += try await own.logprobs(of: text).reduce(0, +)
                worst += try await other.logprobs(of: text).reduce(0, +)
            }
            #expect(best > worst + 1)
            gain += found - (best + worst) / 2
            whole += best - worst
        }
        // A quarter of the way from chance to always choosing the better adapter.
        #expect(gain > whole / 8, "\(gain) of \(whole / 2)")
    }

    @Test("the loss falls, and every step is told")
    func falls() async throws {
        let model = try await model("gemma3")
        let adapter = try TinyAdapters.make("style", for: TinyModels.checkpoint("gemma3"), seed: 1)
        let told = Protected<[GateTraining.Progress]>([])
        _ = try await AdapterGates.trained(
            on: [[TinyModels.sequences().long]],
            for: [adapter],
            over: model,
            by: GateTraining(steps: 12, rate: 0.01, threads: 1)
        ) { progress in told.withLock { $0.append(progress) } }
        let progress = told.withLock { $0 }
        #expect(progress.map(\.step) == Array(1...12))
        #expect(progress.allSatisfy { $0.adapter == 0 && $0.steps == 12 })
        // One window, so that every step sees the same.
        for (earlier, later) in zip(progress, progress.dropFirst()) { #expect(later.loss < earlier.loss) }
        // Before the first step half of the adapter is in force.
        let half = try await model.adapted(by: [adapter], weights: [0.5])
        let logprobs = try await half.logprobs(of: TinyModels.sequences().long)
        let loss = -logprobs.reduce(0, +) / Double(logprobs.count)
        #expect(abs(try #require(progress.first).loss - loss) < 1e-3)
    }

    @Test("the same seed gives the same gates on any number of threads, in any company")
    func repeats() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await model()
        let adapters = try (1...2).map { try TinyAdapters.make("a\($0)", for: checkpoint, seed: $0) }
        let texts = [texts(of: 3..<60, count: 5, seed: 1), texts(of: 3..<60, count: 7, seed: 2)]
        func gates(
            _ threads: Int?,
            seed: UInt64 = 3,
            _ members: [Int] = [0, 1]
        ) async throws -> [[String: [Float]]] {
            try await AdapterGates.trained(
                on: members.map { texts[$0] },
                for: members.map { adapters[$0] },
                over: model,
                by: GateTraining(steps: 3, batch: 3, seed: seed, threads: threads)
            ).vectors
        }
        let alone = try await gates(1)
        #expect(try await gates(3) == alone)
        #expect(try await gates(nil) == alone)
        #expect(try await gates(2, [1]) == [alone[1]])
        #expect(try await gates(1, seed: 4) != alone)
        #expect(alone.allSatisfy { $0.values.contains { $0.contains { $0 != 0 } } })
    }

    @Test("long texts are cut into windows, and single tokens are left out")
    func windows() {
        let training = GateTraining(window: 4)
        let texts: [[TokenID]] = [[1, 2, 3, 4, 5], [6], [], [7, 8]]
        #expect(training.windows(of: texts, limit: 9) == [[1, 2, 3, 4], [7, 8]])
        #expect(training.windows(of: [[1, 2, 3, 4, 5]], limit: 3) == [[1, 2, 3], [4, 5]])
    }

    @Test("what cannot be trained is refused by name")
    func refused() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await model()
        let adapter = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        func error(
            _ texts: [[[TokenID]]],
            _ adapter: LowRankAdapter? = nil,
            _ training: GateTraining = GateTraining(steps: 1)
        ) async -> CollabError? {
            await #expect(throws: CollabError.self) {
                try await AdapterGates.trained(
                    on: texts,
                    for: [adapter ?? TinyAdapters.make("style", for: checkpoint, seed: 1)],
                    over: model,
                    by: training
                )
            }
        }
        let text: [TokenID] = [3, 4, 5]
        for empty: [[TokenID]] in [[], [[]], [[3]]] {
            let found = await error([empty])
            #expect(found?.code == .invalidRequest && found?.message.contains("style") == true)
        }
        #expect(await error([])?.code == .invalidRequest)
        #expect(await error([[text], [text]])?.code == .invalidRequest)
        for token: TokenID in [-1, 80] {
            let found = await error([[text, [3, token]]])
            #expect(found?.code == .invalidRequest && found?.message.contains("\(token)") == true)
        }
        // Another base's: other shapes.
        let other = try TinyAdapters.make("other", for: TinyModels.checkpoint("phi3"), seed: 1)
        #expect(await error([[text]], other)?.code == .tensorMismatch)
        let whole = MemoryCheckpoint.Tensor("model.norm.weight", shape: [1], values: [1])
        let replacing = try LowRankAdapter("whole", modules: adapter.modules, replacements: [whole])
        #expect(await error([[text]], replacing)?.code == .unsupported)
        #expect(await error([[text]], try LowRankAdapter("none", modules: []))?.code == .invalidRequest)
        for training in [
            GateTraining(steps: 0), GateTraining(batch: 0), GateTraining(window: 1), GateTraining(rate: 0),
            GateTraining(rate: .nan), GateTraining(threads: 0),
        ] {
            #expect(await error([[text]], nil, training)?.code == .invalidRequest)
        }
    }

    @Test("training that is called off ends at once")
    func cancelled() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await model()
        let adapter = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        let begun = Protected(0)
        let task = Task { () throws(CollabError) in
            try await AdapterGates.trained(
                on: [[[3, 4, 5]]],
                for: [adapter],
                over: model,
                by: GateTraining(steps: 1_000_000, threads: 1)
            ) { _ in begun.withLock { $0 += 1 } }
        }
        while begun.withLock({ $0 }) == 0 { await Task.yield() }
        task.cancel()
        let result = await task.result
        guard case .failure(let error) = result else {
            Issue.record("it went on to the end")
            return
        }
        #expect((error as? CollabError)?.code == .cancelled)
    }
}
