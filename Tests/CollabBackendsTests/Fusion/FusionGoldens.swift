import Collab
import CollabBackends
import Foundation
import Testing

/// Fused distributions of one real model under several prompts, computed in double precision from float32 logits.
struct FusionGoldens: Decodable {
    struct Component: Decodable {
        var ids: [TokenID]
        var text: String
    }

    struct Case: Decodable {
        struct Rule: Decodable {
            struct Mask: Decodable {
                var type: String
                var alpha: Double?
                var p: Double?
                var ref: Reference
            }
            var kind: String
            var weights: [Double]
            var mask: Mask?
        }

        struct Step: Decodable {
            var topIds: [TokenID]
            var topLogprobs: [Double]
            var survivors: Int
        }

        var name: String
        var components: [String]
        var fusion: Rule
        var firstStep: Step
        var greedy32Ids: [TokenID]
        var greedy32Logprobs: [Double]
        var greedy32Margins: [Double]
        var minMargin: Double
        /// How many tokens the mask leaves at each step, where there is one.
        var survivorsPerStep: [Int]?
        var text: String
    }

    /// A component's place, or a word.
    enum Reference: Decodable {
        case place(Int)
        case word(String)

        init(from decoder: any Swift.Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let place = try? container.decode(Int.self) {
                self = .place(place)
            } else {
                self = .word(try container.decode(String.self))
            }
        }
    }

    var components: [String: Component]
    var cases: [Case]

    static func load() throws -> FusionGoldens {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let data = try Data(contentsOf: fixture("goldens/logit/smollm2-fused.json"))
        return try decoder.decode(FusionGoldens.self, from: data)
    }

    /// The case's models: one model under several prompts.
    func members(of item: Case, _ model: NativeModel) throws -> [any LogitModel] {
        try item.components.map { name in
            PromptedModel(name: name, base: model, prompt: try #require(components[name]).ids)
        }
    }
}

extension FusionGoldens.Case {
    /// The rule as the library writes it.
    var rule: Fusion {
        let fusion =
            fusion.kind == "linear"
            ? Fusion.linear(weights: fusion.weights) : Fusion.logLinear(weights: fusion.weights)
        return fusion.masked(by: mask)
    }

    private var mask: Fusion.Mask {
        guard let mask = fusion.mask else { return .none }
        switch (mask.type, mask.ref) {
        case ("top_p", .place(let place)): return .nucleus(topP: mask.p ?? 1, of: place)
        case (_, .place(let place)): return .plausibility(alpha: mask.alpha ?? 0, of: .member(place))
        case (_, .word(let word)):
            return .plausibility(alpha: mask.alpha ?? 0, of: word == "any" ? .any : .all)
        }
    }

    /// By how much the rule enlarges an error of its members' logits, at most.
    var gain: Double { max(1, fusion.weights.reduce(0) { $0 + abs($1) }) }
}

/// A model that answers every request from the same tokens.
struct PromptedModel: LogitModel {
    var name: String
    var base: NativeModel
    var prompt: [TokenID]

    var tokenizer: any Tokenizer { base.tokenizer }
    var contextLength: Int { base.contextLength }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] { prompt }
    func makeDecoder() async throws(CollabError) -> any Collab.Decoder { try await base.makeDecoder() }
}
