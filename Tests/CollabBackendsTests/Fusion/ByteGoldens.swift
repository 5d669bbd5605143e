import Collab
import Foundation

/// Next-byte distributions of the real models, alone and fused, summed over segmentations in double precision.
struct ByteGoldens: Decodable {
    struct Exact: Decodable {
        struct Step: Decodable {
            var prefixHex: String
            var hypotheses: Int
            var logPrefixProb: Double
            var topBytes: [Int]
            var topLogprobs: [Double]
            var stopLogprob: Double
        }
        var prompt: String
        var trunkIds: [TokenID]
        var steps: [Step]
    }

    struct Fused: Decodable {
        struct Step: Decodable {
            var byte: TokenID
            var logprob: Double
            var margin: Double
            var componentLogprobs: [Double]
            var hypotheses: [Int]
            /// Where the reference lists them.
            var topBytes: [Int]?
            var topLogprobs: [Double]?
        }
        var name: String
        var prompt: String
        var kind: String
        var weights: [Double]
        var pruneRelative: Double
        var text: String
        var bytesHex: String
        var forwardPasses: [Int]
        var steps: [Step]
    }

    /// The texts that are tokens of both vocabularies, and how much of the next token's probability lies on them.
    struct Overlap: Decodable {
        var smollm2Distinct: Int
        var gemma3Distinct: Int
        var shared: Int
        var fracOfSmollm2: Double
        var fracOfGemma3: Double
        /// By model and prompt.
        var sharedMass: [String: [String: Double]]
    }

    var exact: [String: Exact]
    var fused: [Fused]
    var vocabOverlap: Overlap

    static func load() throws -> ByteGoldens {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let data = try Data(contentsOf: fixture("goldens/logit/byte-level.json"))
        return try decoder.decode(ByteGoldens.self, from: data)
    }

    /// The texts that the fused cases go on from.
    static let prompts = [
        "en_plain": "The capital of France is", "en_math": "Question: What is 17 + 25?\nAnswer:",
    ]
}

extension ByteGoldens.Fused {
    /// The rule as the library writes it.
    var rule: Fusion { kind == "linear" ? .linear(weights: weights) : .logLinear(weights: weights) }
}

/// The bytes that a string of hexadecimal digits stands for.
func bytes(hex: String) -> [UInt8] {
    let digits = Array(hex.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
    }
}
