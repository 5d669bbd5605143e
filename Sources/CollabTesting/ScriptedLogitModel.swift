public import Collab

/// A logit model over a tiny vocabulary, whose next-token probabilities come from a script.
///
/// ```swift
/// let expert = ScriptedLogitModel("expert", vocabulary: ["A", "B"]) { prefix in
///     prefix.hasSuffix("B") ? [ScriptedLogitModel.end: 1] : ["A": 0.3, "B": 0.7]
/// }
/// ```
public struct ScriptedLogitModel: LogitModel {
    /// Next-token probabilities by the token's text, given all text so far (prompt included). What is not mentioned
    /// has probability zero, what is mentioned is normalised.
    public typealias Script = @Sendable (_ prefix: String) -> [String: Double]

    /// The key under which a script gives the probability that the answer ends.
    public static let end = ""

    /// What to call the model.
    public let name: String
    /// The vocabulary.
    public let vocabulary: ScriptedVocabulary
    /// The most tokens a decoder can hold.
    public let contextLength: Int
    private let script: Script
    private let counters = Protected((decoders: 0, tokensRead: 0))

    /// Makes a model.
    public init(
        _ name: String,
        vocabulary: [String],
        contextLength: Int = 256,
        _ script: @escaping Script
    ) {
        self.name = name
        self.vocabulary = ScriptedVocabulary(vocabulary)
        self.contextLength = contextLength
        self.script = script
    }

    /// The vocabulary.
    public var tokenizer: any Tokenizer { vocabulary }
    /// How many decoders were opened, forks not counted.
    public var decoderCount: Int { counters.withLock { $0.decoders } }
    /// How many tokens all decoders have read.
    public var tokensRead: Int { counters.withLock { $0.tokensRead } }

    /// The texts of the messages, line after line; an end token if nothing of them is in the vocabulary.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try request.validate()
        let text: String =
            switch request.input {
            case .dialogue(let messages): messages.map(\.text).joined(separator: "\n")
            case .completion(let text): text
            }
        let tokens = try vocabulary.encode(text, parsingSpecialTokens: false)
        return tokens.isEmpty ? [vocabulary.end] : tokens
    }

    /// A decoder that has read nothing yet.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        counters.withLock { $0.decoders += 1 }
        return ScriptedDecoder(model: self, tokens: [])
    }

    /// The logits after some tokens: logarithms of the script's probabilities.
    func logits(after tokens: [TokenID]) -> Logits {
        let probabilities = script(vocabulary.text(of: tokens))
        let total = max(probabilities.values.reduce(0, +), 1e-30)
        var values = vocabulary.texts.map { Float(logarithm((probabilities[$0] ?? 0) / total)) }
        values.append(Float(logarithm((probabilities[Self.end] ?? 0) / total)))
        return Logits(values)
    }

    func count(_ tokens: Int) { counters.withLock { $0.tokensRead += tokens } }
}

/// A decoder of a ``ScriptedLogitModel``.
final class ScriptedDecoder: Decoder {
    private let model: ScriptedLogitModel
    private let tokens: Protected<[TokenID]>

    init(model: ScriptedLogitModel, tokens: [TokenID]) {
        self.model = model
        self.tokens = Protected(tokens)
    }

    var position: Int { tokens.withLock { $0.count } }

    func append(_ new: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        if Task.isCancelled { throw .cancelled }
        guard !new.isEmpty else {
            throw CollabError(.invalidRequest, "No tokens were given to \(model.name).")
        }
        if let bad = new.first(where: { $0 < 0 || $0 > model.vocabulary.end }) {
            throw CollabError(.invalidRequest, "Token \(bad) is not in the vocabulary of \(model.name).")
        }
        let before = tokens.withLock { $0 }
        guard before.count + new.count <= model.contextLength else {
            throw CollabError(
                .contextOverflow,
                "\(model.name) holds \(model.contextLength) tokens; \(before.count + new.count) are needed."
            )
        }
        model.count(new.count)
        tokens.withLock { $0 = before + new }
        switch logits {
        case .none: return []
        case .last: return [model.logits(after: before + new)]
        case .all: return new.indices.map { model.logits(after: before + new[...$0]) }
        }
    }

    func truncate(to count: Int) async throws(CollabError) {
        let isValid = tokens.withLock { tokens in
            guard (0...tokens.count).contains(count) else { return false }
            tokens.removeLast(tokens.count - count)
            return true
        }
        if !isValid {
            throw CollabError(.invalidRequest, "A decoder cannot be truncated to \(count) tokens.")
        }
    }

    func fork() async throws(CollabError) -> any Decoder {
        ScriptedDecoder(model: model, tokens: tokens.withLock { $0 })
    }
}
