public import Collab

/// What a ``ScriptedModel`` answers: a text, cut into the pieces in which it is streamed, with or without token
/// probabilities.
public struct ScriptedAnswer: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The pieces; joined, they are the answer.
    public var pieces: [String]
    /// The probability of each piece; `nil` for a model that does not tell.
    public var probabilities: [Double]?
    /// The runner-up at each piece, where alternatives are asked for; `nil`: the rest of the probability.
    public var runnerUp: Double?
    /// Why the answer ends.
    public var ending: Response.Ending
    /// How long the model takes before the first piece, on the run's clock.
    public var delay: Duration

    /// Makes an answer that is streamed word by word; its tokens' probabilities are not known.
    public init(_ text: String, ending: Response.Ending = .finished, delay: Duration = .zero) {
        self.pieces = Self.words(of: text)
        self.ending = ending
        self.delay = delay
    }

    /// Makes an answer whose every word has the same probability.
    public init(_ text: String, probability: Double, delay: Duration = .zero) {
        self.init(text, delay: delay)
        probabilities = Array(repeating: probability, count: pieces.count)
    }

    /// Makes an answer from tokens and their probabilities.
    public init(tokens: KeyValuePairs<String, Double>, delay: Duration = .zero) {
        pieces = tokens.map(\.key)
        probabilities = tokens.map(\.value)
        ending = .finished
        self.delay = delay
    }

    /// Makes an answer that is streamed word by word.
    public init(stringLiteral text: String) {
        self.init(text)
    }

    /// The whole answer.
    public var text: String { pieces.joined() }

    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var isInWord = false
        for character in text {
            if words.isEmpty || (character == " " && isInWord) {
                words.append(String(character))
            } else {
                words[words.count - 1].append(character)
            }
            isInWord = character != " "
        }
        return words
    }
}

extension ScriptedAnswer {
    /// The response a model gives with this answer, at most so many tokens long.
    func response(by model: String, to request: Request) -> (response: Response, pieces: [String]) {
        let limit = request.options.maximumTokens ?? pieces.count
        let kept = Array(pieces.prefix(limit))
        let tokens = probabilities.map { probabilities in
            zip(kept, probabilities).map { piece, probability in
                GeneratedToken(
                    id: nil,
                    bytes: Array(piece.utf8),
                    logprob: logarithm(probability),
                    alternatives: alternatives(piece, probability, count: request.options.alternatives)
                )
            }
        }
        let promptTokens = request.messages.reduce(0) { $0 + $1.text.split(separator: " ").count }
        let response = Response(
            text: kept.joined(),
            model: model,
            ending: kept.count < pieces.count ? .tokenLimit : ending,
            tokens: tokens,
            usage: Usage(promptTokens: promptTokens, completionTokens: kept.count, calls: 1)
        )
        return (response, kept)
    }

    private func alternatives(_ piece: String, _ probability: Double, count: Int) -> [GeneratedToken
        .Alternative]
    {
        guard count > 0 else { return [] }
        let other = runnerUp ?? (1 - probability)
        let all = [(piece, probability), ("…", other)].sorted { $0.1 > $1.1 }
        return all.prefix(count).map {
            GeneratedToken.Alternative(id: nil, bytes: Array($0.0.utf8), logprob: logarithm($0.1))
        }
    }
}
