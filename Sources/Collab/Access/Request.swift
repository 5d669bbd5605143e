/// What a model is asked: an input and how the answer is to be written.
public struct Request: Hashable, Sendable, Codable, ExpressibleByStringInterpolation {
    /// The two shapes of input that models know.
    public enum Input: Hashable, Sendable, Codable {
        /// Turns of a conversation; the model's own chat template renders them.
        case dialogue([Message])
        /// Text to be continued as it stands.
        case completion(String)
    }

    /// What is asked.
    public var input: Input
    /// How the answer is to be written.
    public var options: GenerationOptions
    /// Which of several samples of the same request this is; part of every cache and replay key.
    public var sample: Int

    /// Makes a request from an input.
    public init(_ input: Input, options: GenerationOptions = GenerationOptions(), sample: Int = 0) {
        self.input = input
        self.options = options
        self.sample = sample
    }

    /// Makes a request that asks one question.
    public init(_ question: String, options: GenerationOptions = GenerationOptions()) {
        self.init(.dialogue([.user(question)]), options: options)
    }

    /// Makes a request from a dialogue.
    public init(_ messages: [Message], options: GenerationOptions = GenerationOptions()) {
        self.init(.dialogue(messages), options: options)
    }

    /// Makes a request that asks one question.
    public init(stringLiteral question: String) {
        self.init(question)
    }

    /// Makes a request for text to be continued.
    public static func completion(
        _ text: String,
        options: GenerationOptions = GenerationOptions()
    ) -> Request {
        Request(.completion(text), options: options)
    }
}

extension Request {
    /// The text that decides what is being asked: the last user message, or the text to be continued.
    public var question: String {
        switch input {
        case .dialogue(let messages): messages.last { $0.role == .user }?.text ?? messages.last?.text ?? ""
        case .completion(let text): text
        }
    }

    /// The turns of the dialogue; a text to be continued counts as one user turn.
    public var messages: [Message] {
        switch input {
        case .dialogue(let messages): messages
        case .completion(let text): [.user(text)]
        }
    }

    /// The same request with the last user message (or the text) replaced.
    public func replacingQuestion(with text: String) -> Request {
        var request = self
        switch input {
        case .dialogue(var messages):
            if let index = messages.lastIndex(where: { $0.role == .user }) {
                messages[index].text = text
            } else {
                messages.append(.user(text))
            }
            request.input = .dialogue(messages)
        case .completion:
            request.input = .completion(text)
        }
        return request
    }

    /// The same request with further turns at its end; a text to be continued becomes a dialogue.
    public func appending(_ turns: [Message]) -> Request {
        var request = self
        request.input = .dialogue(messages + turns)
        return request
    }

    /// The same request with standing instructions in front; existing ones are kept after them.
    public func prependingSystem(_ text: String) -> Request {
        var request = self
        var turns = messages
        if let first = turns.first, first.role == .system {
            turns[0].text = text + "\n\n" + first.text
        } else {
            turns.insert(.system(text), at: 0)
        }
        request.input = .dialogue(turns)
        return request
    }

    /// Throws ``CollabError/Code/invalidRequest`` if there is nothing to answer or an option is out of range.
    public func validate() throws(CollabError) {
        let isEmpty =
            switch input {
            case .dialogue(let messages):
                messages.allSatisfy { $0.isPlainText && $0.text.allSatisfy(\.isWhitespace) }
            case .completion(let text): text.isEmpty
            }
        if isEmpty { throw CollabError(.invalidRequest, "The request is empty: there is nothing to answer.") }
        try options.validate()
    }
}
