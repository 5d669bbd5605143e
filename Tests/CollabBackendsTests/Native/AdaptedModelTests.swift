import Collab
import CollabKernels
import Foundation
import Testing

@testable import CollabBackends

/// Adapters that are added while a model runs give what the same adapters give merged in, whose weights are compared
/// with PEFT's in `LowRankAdapterTests` and whose logits with transformers' in `ArchitectureTests`.
@Suite("Adapters at run time")
struct AdaptedModelTests {
    @Test(
        "logits are those of the adapter merged into the weights",
        arguments: ["llama", "mistral", "qwen3", "gemma3", "smollm3", "phi3"]
    )
    func merged(name: String) async throws {
        let checkpoint = try TinyModels.checkpoint(name)
        let style = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        let facts = try TinyAdapters.make("facts", for: checkpoint, rank: 3, seed: 2)
        let both = try facts.applied(to: try style.applied(to: checkpoint, weight: 0.8), weight: -0.5)
        var options = TinyModels.options
        options.weightFormat = .float
        let expected = try await logits(try await TinyModels.model(both, options: options))
        let base = try await TinyModels.model(checkpoint, options: options)
        let adapted = try await base.adapted(by: [style, facts], weights: [0.8, -0.5])
        #expect(adapted.name == "\(base.name)+0.8·style+-0.5·facts")
        let found = try await logits(adapted)
        expectClose(found, expected)
        // The change is large enough to be seen.
        let plain = try await logits(base)
        #expect(zip(plain, found).contains { distance($0, $1) > 0.05 })
        // Token by token the same numbers, bit by bit.
        let decoder = try await adapted.makeDecoder()
        for (position, token) in try TinyModels.sequences().long.enumerated() {
            #expect(try await decoder.append(token).values == found[position].values, "position \(position)")
        }
    }

    @Test(
        "a model in GGUF and an adapter in GGUF go with those in Hugging Face's layout",
        arguments: ["llama", "phi3"]
    )
    func formats(name: String) async throws {
        let checkpoint = try TinyModels.checkpoint(name)
        let adapter = try TinyAdapters.make("style", for: checkpoint, seed: 3)
        let folder = try TemporaryFolder()
        let path = folder.path("style.gguf")
        let converted = TinyAdapters.gguf(adapter, heads: name == "llama" ? (4, 2) : nil)
        try Data(converted).write(to: URL(fileURLWithPath: path))
        let read = try LowRankAdapter(contentsOf: path)
        #expect(read.modules.map(\.rank) == adapter.modules.map(\.rank))
        #expect(read.modules.map(\.scale) == adapter.modules.map(\.scale))

        let file = try GGUFCheckpoint(path: TinyModels.path("gguf/\(name).gguf"))
        var options = TinyModels.options
        options.weightFormat = .float
        let merged = try await TinyModels.model(try adapter.applied(to: checkpoint), options: options)
        let expected = try await logits(merged)
        // In a file's own names an adapter can be merged in too.
        let mergedFile = try await TinyModels.model(try read.applied(to: file), options: options)
        let expectedOfFile = try await logits(mergedFile)
        // The two llamas have the same weights; the order of their rows differs.
        if name == "llama" { expectClose(expectedOfFile, expected) }
        for adapter in [adapter, read] {
            let folder = try await TinyModels.model(checkpoint, options: options)
            expectClose(try await logits(try await folder.adapted(by: [adapter])), expected)
            let model = try await TinyModels.model(file, options: options)
            expectClose(try await logits(try await model.adapted(by: [adapter])), expectedOfFile)
        }
    }

    /// The adapter with lengths for the rows of the matrices that it changes.
    private func withLengths(_ adapter: LowRankAdapter) throws -> LowRankAdapter {
        try LowRankAdapter(
            adapter.name,
            modules: adapter.modules.map { module in
                var module = module
                module.magnitudes = (0..<module.shape[0]).map { 0.5 + 0.07 * Float($0 % 11) }
                return module
            }
        )
    }

    @Test(
        "adapters that give rows lengths (DoRA) give what they give merged in",
        arguments: ["llama", "qwen2", "phi3"]
    )
    func lengths(name: String) async throws {
        let checkpoint = try TinyModels.checkpoint(name)
        let adapter = try withLengths(TinyAdapters.make("style", for: checkpoint, seed: 1))
        var options = TinyModels.options
        options.weightFormat = .float
        let merged = try await TinyModels.model(try adapter.applied(to: checkpoint), options: options)
        let expected = try await logits(merged)
        let base = try await TinyModels.model(checkpoint, options: options)
        expectClose(try await logits(try await base.adapted(by: [adapter])), expected)
        // Two halves of it are one.
        expectClose(
            try await logits(try await base.adapted(by: [adapter, adapter], weights: [0.5, 0.5])),
            expected
        )
        let file = try await TinyModels.model(
            try GGUFCheckpoint(path: TinyModels.path("gguf/\(name).gguf")),
            options: options
        )
        // The order of rows in the file is another, the model the same.
        if name == "llama" {
            expectClose(try await logits(try await file.adapted(by: [adapter])), expected)
        }
        let threads = NativeOptions(threads: 3, precision: .float, weightFormat: .float)
        let shared = try await TinyModels.model(checkpoint, options: threads)
        expectClose(try await logits(try await shared.adapted(by: [adapter])), expected)
    }

    @Test("company in the batch, forks and threads change nothing", arguments: [1, 3])
    func company(threads: Int) async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let options = NativeOptions(threads: threads, weightFormat: .eightBit)
        let alone = try await TinyModels.model(checkpoint, options: options)
        let base = try await TinyModels.model(checkpoint, options: options)
        let style = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        let partial = try LowRankAdapter(
            "partial",
            modules: TinyAdapters.make("", for: checkpoint, rank: 5, seed: 2).modules.filter {
                $0.path.contains("layers.1") && !$0.path.contains("q_proj")
            }
        )
        var expected = [try await answer(alone)]
        for adapter in [style, partial] {
            expected.append(try await answer(try await alone.adapted(by: [adapter])))
        }
        let models: [any LogitModel] = [
            base, try await base.adapted(by: [style]), try await base.adapted(by: [partial]),
        ]
        let together = try await concurrently(models) { (model) async throws(CollabError) in
            try await self.answer(model)
        }
        for (mine, wanted) in zip(together, expected) { #expect(mine == wanted) }
        if threads > 1 {
            let single = try await TinyModels.model(
                checkpoint,
                options: NativeOptions(threads: 1, weightFormat: .eightBit)
            )
            #expect(try await answer(try await single.adapted(by: [style])) == expected[1])
        }
    }

    @Test("a weight of 0 leaves the base as it is, and shares its keys and values")
    func weightZero() async throws {
        let checkpoint = try TinyModels.checkpoint("qwen2")
        let model = try await TinyModels.model(checkpoint, options: NativeOptions(threads: 1))
        let adapter = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        let tokens = try TinyModels.sequences().long
        let plain = try await model.startDecoding(reading: tokens)
        let adapted = try await model.adapted(by: [adapter], weights: [0])
        let start = try await adapted.startDecoding(reading: tokens)
        #expect(start.logits.values == plain.logits.values)
        #expect(start.cachedTokens == tokens.count - 1)
    }

    @Test("an adapted model is as local as its base")
    func profile() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint)
        let adapted = try await model.adapted(by: [TinyAdapters.make("style", for: checkpoint, seed: 1)])
        #expect(adapted.profile == model.profile && adapted.profile.isLocal)
    }

    @Test("keys and values of other adapters are not used")
    func prefixes() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint)
        let fresh = try await TinyModels.model(checkpoint)
        let adapter = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        let tokens = try TinyModels.sequences().long
        let expected = try await fresh.adapted(by: [adapter]).startDecoding(reading: tokens)

        _ = try await model.startDecoding(reading: tokens)
        let first = try await model.adapted(by: [adapter]).startDecoding(reading: tokens)
        #expect(first.cachedTokens == 0)
        #expect(first.logits.values == expected.logits.values)
        // Another model under an adapter of the same factors may use them.
        let second = try await model.adapted(by: [adapter]).startDecoding(reading: tokens)
        #expect(second.cachedTokens == tokens.count - 1)
        #expect(second.logits.values == expected.logits.values)
        let weaker = try await model.adapted(by: [adapter], weights: [0.5]).startDecoding(reading: tokens)
        #expect(weaker.cachedTokens == 0)
        let plain = try await model.startDecoding(reading: tokens)
        #expect(plain.cachedTokens == tokens.count - 1)
    }

    @Test("scores and vectors are those of the adapted model")
    func otherAccess() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let adapter = try TinyAdapters.make("style", for: checkpoint, seed: 4)
        var options = TinyModels.options
        options.weightFormat = .float
        let merged = try await TinyModels.model(try adapter.applied(to: checkpoint), options: options)
        let adapted = try await TinyModels.model(checkpoint, options: options).adapted(by: [adapter])
        let tokens = try TinyModels.sequences().long
        let (found, expected) = (
            try await adapted.logprobs(of: tokens), try await merged.logprobs(of: tokens)
        )
        for (mine, wanted) in zip(found, expected) { #expect(abs(mine - wanted) < 1e-3) }
    }

    @Test("what cannot be added while a model runs is refused by name")
    func refusals() async throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let model = try await TinyModels.model(checkpoint)
        func module(
            _ path: String,
            rows: Int = 32,
            columns: Int = 32
        ) throws -> LowRankAdapter.Module {
            try LowRankAdapter.Module(
                path: path,
                rank: 1,
                scale: 1,
                a: Array(repeating: 1, count: columns),
                b: Array(repeating: 1, count: rows)
            )
        }
        func error(
            _ module: LowRankAdapter.Module,
            replacements: [MemoryCheckpoint.Tensor] = [],
            weights: [Float]? = nil
        ) async throws -> CollabError? {
            let adapter = try LowRankAdapter("odd", modules: [module], replacements: replacements)
            do throws(CollabError) {
                _ = try await model.adapted(by: [adapter], weights: weights)
                return nil
            } catch {
                return error
            }
        }
        let query = "model.layers.0.self_attn.q_proj"
        #expect(try await error(try module(query)) == nil)
        let unknown = try #require(try await error(try module("model.layers.7.self_attn.q_proj")))
        #expect(unknown.code == .tensorMismatch)
        #expect(unknown.message.contains("layers.7") && unknown.message.contains("\(query).weight"))
        let shape = try #require(try await error(try module(query, rows: 16)))
        #expect(shape.code == .tensorMismatch && shape.message.contains("[16, 32]"))
        let output = try #require(try await error(try module("lm_head", rows: 80)))
        #expect(output.code == .unsupported && output.message.contains("applied(to:)"))
        let replacement = MemoryCheckpoint.Tensor("model.norm.weight", shape: [1], values: [1])
        let whole = try #require(try await error(try module(query), replacements: [replacement]))
        #expect(whole.code == .unsupported && whole.message.contains("model.norm.weight"))
        #expect(try await error(try module(query), weights: [])?.code == .invalidRequest)
        #expect(try await error(try module(query), weights: [.nan])?.code == .invalidRequest)
    }

    @Test("files that are no adapters of matrices are refused by name")
    func files() throws {
        let checkpoint = try TinyModels.checkpoint("llama")
        let adapter = try TinyAdapters.make("style", for: checkpoint, seed: 1)
        let folder = try TemporaryFolder()
        func error(_ bytes: [UInt8]) throws -> CollabError? {
            let path = folder.path("\(UUID()).gguf")
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            do throws(CollabError) {
                _ = try LowRankAdapter(contentsOf: path)
                return nil
            } catch {
                return error
            }
        }
        #expect(try error(TinyAdapters.gguf(adapter, heads: (4, 2))) == nil)
        let start = GGUFBuilder().key("general.architecture", .string("llama"))
        #expect(try error(start.build())?.message.contains("model") == true)
        let typed = start.key("general.type", .string("adapter")).key("adapter.type", .string("lora"))
        #expect(try error(typed.build())?.message.contains("adapter.lora.alpha") == true)
        let whole = typed.key("adapter.lora.alpha", .float32(4))
        #expect(try error(whole.build())?.code == .malformedFile)
        let half = whole.tensor(
            "blk.0.attn_q.weight.lora_a",
            dimensions: [2, 1],
            type: 0,
            bytes: [UInt8](repeating: 0, count: 8)
        )
        let found = try #require(try error(half.build()))
        #expect(found.code == .tensorMismatch && found.message.contains("one half"))
    }

    // MARK: Helpers

    private func logits(_ model: any LogitModel) async throws -> [Logits] {
        try await model.makeDecoder().append(try TinyModels.sequences().long, logits: .all)
    }

    /// A prompt read in two pieces, a fork, and some tokens decoded greedily.
    private func answer(_ model: any LogitModel) async throws(CollabError) -> [[Float]] {
        let tokens: [TokenID] = (0..<40).map { 3 + $0 * 7 % 70 }
        let decoder = try await model.makeDecoder()
        _ = try await decoder.append(Array(tokens[..<30]), logits: .none)
        let fork = try await decoder.fork()
        var rows = try await fork.append(Array(tokens[30...]), logits: .all)
        for _ in 0..<6 { rows.append(try await fork.append(rows[rows.count - 1].best)) }
        return rows.map(\.values)
    }

    private func distance(_ first: Logits, _ second: Logits) -> Float {
        let largest = second.values.map(abs).max() ?? 1
        return (zip(first.values, second.values).map { abs($0 - $1) }.max() ?? .infinity) / largest
    }

    private func expectClose(_ found: [Logits], _ expected: [Logits]) {
        #expect(found.count == expected.count)
        for (position, pair) in zip(found, expected).enumerated() {
            #expect(distance(pair.0, pair.1) <= 1e-4, "position \(position)")
        }
    }
}

/// Adapters with random factors for tiny models.
enum TinyAdapters {
    /// An adapter of every matrix of the layers.
    static func make(
        _ name: String,
        for checkpoint: any Checkpoint,
        rank: Int = 2,
        seed: UInt64
    ) throws -> LowRankAdapter {
        var generator = Numbers(state: seed)
        let modules = try checkpoint.tensors.filter {
            $0.shape.count == 2 && $0.name.hasPrefix("model.layers.") && $0.name.hasSuffix("_proj.weight")
        }.map { tensor in
            try LowRankAdapter.Module(
                path: String(tensor.name.dropLast(".weight".count)),
                rank: rank,
                scale: 2 / Float(rank),
                a: (0..<rank * tensor.shape[1]).map { _ in generator.next() * 0.3 },
                b: (0..<rank * tensor.shape[0]).map { _ in generator.next() * 0.3 }
            )
        }
        return try LowRankAdapter(name, modules: modules)
    }

    /// The adapter as llama.cpp's converter writes it.
    ///
    /// - Parameter heads: how many heads queries and keys have, where the converter reorders them: a head's rows,
    ///   taken as a matrix of two rows, are read column by column.
    static func gguf(_ adapter: LowRankAdapter, heads: (query: Int, key: Int)?) -> [UInt8] {
        let names = [
            "model.layers.": "blk.", "self_attn.qkv_proj": "attn_qkv", "self_attn.q_proj": "attn_q",
            "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
            "mlp.gate_up_proj": "ffn_up", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
            "mlp.down_proj": "ffn_down",
        ]
        let alpha = adapter.modules[0].scale * Float(adapter.modules[0].rank)
        var builder = GGUFBuilder().key("general.architecture", .string("llama"))
            .key("general.type", .string("adapter")).key("adapter.type", .string("lora"))
            .key("adapter.lora.alpha", .float32(alpha))
        for module in adapter.modules {
            var name = module.path
            for (theirs, ours) in names { name = name.replacingOccurrences(of: theirs, with: ours) }
            let count: Int? =
                switch name.split(separator: ".").last {
                case "attn_q": heads?.query
                case "attn_k": heads?.key
                default: nil
                }
            let b = count.map { interleaved(module, heads: $0) } ?? module.b
            for (ending, values, dimensions) in [
                ("lora_a", module.a, [module.shape[1], module.rank]),
                ("lora_b", b, [module.rank, module.shape[0]]),
            ] {
                builder = builder.tensor(
                    "\(name).weight.\(ending)",
                    dimensions: dimensions.map { UInt64($0) },
                    type: 0,
                    bytes: values.withUnsafeBytes { Array($0) }
                )
            }
        }
        return builder.build()
    }

    /// B with the rows of each head's halves taken in turn.
    private static func interleaved(_ module: LowRankAdapter.Module, heads: Int) -> [Float] {
        let half = module.shape[0] / heads / 2
        var values: [Float] = []
        for head in 0..<heads {
            for column in 0..<half {
                for part in 0..<2 {
                    let row = (2 * head + part) * half + column
                    values += module.b[row * module.rank..<(row + 1) * module.rank]
                }
            }
        }
        return values
    }

    /// Evenly spread numbers between −1 and 1 (SplitMix64).
    private struct Numbers {
        var state: UInt64

        mutating func next() -> Float {
            state &+= 0x9e37_79b9_7f4a_7c15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            return Float((bits ^ (bits >> 31)) >> 40) / 0x1p23 - 1
        }
    }
}
