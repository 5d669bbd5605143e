import Collab
import CollabKernels
import Foundation
import Testing

@testable import CollabBackends

/// Adapters that PEFT has written, added while a model runs, give PEFT's logits; `Scripts/fixtures/make_adapters.py`
/// makes both.
@Suite("Adapters beside PEFT")
struct AdapterGoldenTests {
    static let names = ["llama", "gemma3", "phi3"]
    /// What both adapters are weighted with where the goldens have both.
    static let weights: [Float] = [0.75, -0.5]

    private static func adapters(of name: String) throws -> [LowRankAdapter] {
        try ["style", "facts"].map {
            try LowRankAdapter(contentsOf: TinyModels.path("\(name)/adapters/\($0)"))
        }
    }

    /// Made of PEFT's files by llama.cpp's own converter, which orders the rows of queries and keys anew. It knows no
    /// rank-stabilised scale: α/√r of `facts`, of rank 3, has become α/r.
    @Test("logits are PEFT's, too, under the adapters as llama.cpp's `convert_lora_to_gguf.py` writes them")
    func converted() async throws {
        let adapters = try ["style", "facts"].map {
            try LowRankAdapter(contentsOf: TinyModels.path("llama/adapters/gguf/\($0).gguf"))
        }
        try await check("llama", adapters, factors: [1, Float(3).squareRoot()])
    }

    @Test("logits are PEFT's, under one adapter and under two with weights", arguments: names)
    func goldens(name: String) async throws {
        try await check(name, try Self.adapters(of: name), factors: [1, 1])
    }

    private func check(_ name: String, _ adapters: [LowRankAdapter], factors: [Float]) async throws {
        let goldens = try SafetensorsCheckpoint(
            path: TinyModels.path("\(name)/adapters/expected.safetensors")
        )
        var options = TinyModels.options
        options.weightFormat = .float
        let model = try await TinyModels.model(try TinyModels.checkpoint(name), options: options)
        let tokens = try TinyModels.sequences().long
        let sets: [(String, any LogitModel)] = [
            ("style", try await model.adapted(by: [adapters[0]], weights: [factors[0]])),
            ("facts", try await model.adapted(by: [adapters[1]], weights: [factors[1]])),
            (
                "both",
                try await model.adapted(by: adapters, weights: zip(Self.weights, factors).map { $0 * $1 })
            ),
        ]
        for (key, adapted) in sets {
            let expected = try goldens.values(of: key)
            let rows = try await adapted.makeDecoder().append(tokens, logits: .all).flatMap(\.values)
            #expect(rows.count == expected.count)
            let largest = expected.map(abs).max() ?? 1
            let distance = zip(rows, expected).map { abs($0 - $1) }.max() ?? .infinity
            #expect(distance <= 1e-4 * largest, "\(key): \(distance / largest)")
        }
    }

    @Test(
        "eight sequences under four kinds of adapters in one batch are each as if alone",
        arguments: [1, 2, 3]
    )
    func batch(threads: Int) async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let adapters = try Self.adapters(of: "llama")
        func models(threads: Int) async throws -> [any LogitModel] {
            let options = NativeOptions(threads: threads, promptCacheLimit: 0, weightFormat: .eightBit)
            let base = try await TinyModels.model(checkpoint, options: options)
            return [
                base, try await base.adapted(by: [adapters[0]]), try await base.adapted(by: [adapters[1]]),
                try await base.adapted(by: adapters, weights: Self.weights),
            ]
        }
        let alone = try await models(threads: 1)
        var expected: [[[Float]]] = []
        for index in 0..<8 { expected.append(try await answer(alone[index % 4], index)) }
        let together = try await models(threads: threads)
        let found = try await concurrently(Array(0..<8)) { (index) async throws(CollabError) in
            try await self.answer(together[index % 4], index)
        }
        for (mine, wanted) in zip(found, expected) { #expect(mine == wanted) }
        #expect(Set(found.map { $0[0] }).count == 8)
    }

    private func text(_ index: Int) -> [TokenID] {
        (0..<20).map { (position: Int) -> TokenID in TokenID(3 + (position * 7 + index) % 70) }
    }

    /// A prompt of its own and eight tokens, greedily.
    private func answer(_ model: any LogitModel, _ index: Int) async throws(CollabError) -> [[Float]] {
        let start = try await model.startDecoding(
            reading: text(index)
        )
        var rows = [start.logits]
        for _ in 0..<8 { rows.append(try await start.decoder.append(rows[rows.count - 1].best)) }
        return rows.map(\.values)
    }
}
