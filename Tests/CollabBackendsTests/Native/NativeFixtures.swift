import Collab
import CollabBackends
import CollabKernels
import Foundation
import Testing

/// The real models, each loaded once for all tests.
enum NativeFixtures {
    static func model(_ model: RealModel, exact: Bool = false) async throws -> NativeModel {
        let task =
            switch (model, exact) {
            case (.smolLM2, false): smolLM2
            case (.smolLM2, true): exactSmolLM2
            case (.gemma3, false): gemma3
            case (.gemma3, true): exactGemma3
            }
        return try await task.value
    }

    private static let smolLM2 = load(.smolLM2, exact: false)
    private static let exactSmolLM2 = load(.smolLM2, exact: true)
    private static let gemma3 = load(.gemma3, exact: false)
    private static let exactGemma3 = load(.gemma3, exact: true)

    private static func load(_ model: RealModel, exact: Bool) -> Task<NativeModel, any Error> {
        Task {
            // An expectation would count once, and every other test that shares this one would seem to pass.
            guard FileManager.default.fileExists(atPath: model.path) else {
                throw CollabError(.fileNotFound, "\(model.path) is not there; `make test` fetches it once.")
            }
            let options = NativeOptions(threads: 2, precision: exact ? .float : .integer)
            return try await NativeModel(contentsOf: model.path, options: options)
        }
    }
}

/// Reference logits and continuations; see the READMEs beside the files.
enum NativeGoldens {
    /// From llama.cpp, with exact values from float32 arithmetic.
    struct Engine: Decodable {
        struct Case: Decodable {
            struct Reference: Decodable {
                var top20Ids: [TokenID]
                var top20Logits: [Float]
                var logsumexp: Double
            }

            var id: String
            var promptIds: [TokenID]
            var greedyIds: [TokenID]
            /// Top logit, margin, runner-up, log-sum-exp at each greedy step.
            var steps: [[Double]]
            var fp32Reference: Reference
        }

        var cases: [Case]
    }

    /// From float32 arithmetic alone.
    struct Exact: Decodable {
        struct Case: Decodable {
            struct Checks: Decodable {
                var sum, mean, l2, max, min, logsumexp: Double
            }

            /// What llama.cpp gives, with activations of 8 bits, and how far from exact arithmetic that is.
            struct Quantised: Decodable {
                var top10Ids: [TokenID]
                var top10Logits: [Float]
                var maxAbsDiff: Double
                var rmsDiff: Double
                var klRefToLlamacpp: Double
                var greedyAgreePrefix: Int?
            }

            var name: String
            var nTokens: Int
            var textUnit: String?
            var `repeat`: Int?
            var firstIds: [TokenID]?
            var lastIds: [TokenID]?
            var top50Ids: [TokenID]
            var top50Logits: [Float]
            var checks: Checks
            var probeIds: [TokenID]
            var probeLogits: [Float]
            var promptTokenLogprobs: [Double]?
            var promptLogprobSum: Double
            var greedy32Ids: [TokenID]?
            var greedy32Margins: [Double]?
            var greedy32MinMargin: Double?
            var greedy32Text: String?
            var llamaCpp: Quantised
        }

        /// The residual stream at the last position of a prompt.
        struct HiddenProbe: Decodable {
            struct Layer: Decodable {
                var i: Int
                var l2: Double
                var first8: [Double]
            }

            var prompt: String
            var layers: [Layer]
        }

        var vocab: Int
        var cases: [Case]
        var hiddenProbe: HiddenProbe
    }

    struct Perplexity: Decodable {
        struct Window: Decodable {
            var window: Int
            var scored: Int
            var ppl: Double
            var fp32ReferencePpl: Double
        }

        var windows: [String: Window]
        var nIds: Int
        var idsHead: [TokenID]
    }

    static func engine(_ model: RealModel) throws -> Engine { try decode("engine/\(key(model))") }

    static func exact(_ model: RealModel) throws -> Exact {
        try decode(model == .smolLM2 ? "logit/smollm2-logits" : "logit/gemma3-logits")
    }

    static func perplexity(_ model: RealModel) throws -> Perplexity { try decode("engine/ppl-\(key(model))") }

    private static func key(_ model: RealModel) -> String {
        model == .smolLM2 ? "smollm2-135m-instruct-q4_1" : "gemma-3-270m-q4_k_m"
    }

    private static func decode<Value: Decodable>(_ name: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Value.self, from: Data(contentsOf: fixture("goldens/\(name).json")))
    }
}

extension Logits {
    /// The most probable token, the lowest id among equals.
    var best: TokenID {
        TokenID(values.withUnsafeBufferPointer { Distribution.argmax($0) } ?? -1)
    }
}
