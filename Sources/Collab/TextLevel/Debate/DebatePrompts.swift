/// How members are asked in a debate: replaceable, and localisable through ``Phrases``.
///
/// The standard prompts are short enough for models of a hundred million parameters. They ask for the correct answer
/// rather than for agreement.
public struct DebatePrompts: Sendable {
    /// What the standard prompt is made of.
    public struct Phrases: Hashable, Sendable, Codable {
        /// Introduces the answers of others.
        public var othersAnswered: String
        /// Precedes an answer whose author is not named; `#` stands for its number.
        public var anonymousAnswer: String
        /// What the member is to do, after the answers.
        public var instruction: String

        /// Makes phrases.
        public init(othersAnswered: String, anonymousAnswer: String, instruction: String) {
            self.othersAnswered = othersAnswered
            self.anonymousAnswer = anonymousAnswer
            self.instruction = instruction
        }

        /// English.
        public static let english = Phrases(
            othersAnswered: "Other answers to this question, some of which may be wrong:",
            anonymousAnswer: "Answer #",
            instruction: "Check your answer against them and give your final answer. The question was:"
        )

        /// English, put into another language.
        public init(in wording: Wording) {
            let english = Phrases.english
            self.init(
                othersAnswered: wording(english.othersAnswered),
                anonymousAnswer: wording(english.anonymousAnswer),
                instruction: wording(english.instruction)
            )
        }

        /// German.
        public static let german = Phrases(in: .german)
    }

    /// The request with which the debate opens, made from what was asked.
    public var opening: @Sendable (Request) -> Request
    /// The request with which a member is asked again, made from what it may see.
    public var exchange: @Sendable (DebateView) -> Request

    /// Makes prompts.
    public init(
        opening: @escaping @Sendable (Request) -> Request = { $0 },
        exchange: @escaping @Sendable (DebateView) -> Request
    ) {
        self.opening = opening
        self.exchange = exchange
    }

    /// The standard prompts in English.
    public static let standard = standard()

    /// The standard prompts in some language.
    public static func standard(in wording: Wording) -> DebatePrompts {
        standard(phrases: Phrases(in: wording))
    }

    /// The standard prompts.
    ///
    /// The opening leaves the request as it is, so that answers of earlier stages can be used. A dialogue goes on
    /// with the member's own answer and a turn that shows the others'; a text to be continued is asked for again
    /// under the answers of all.
    ///
    /// - Parameters:
    ///   - phrases: the words.
    ///   - excerptLength: how many characters of a statement are shown at most; also, how long a question may be to be
    ///     repeated whole.
    ///   - reminderLength: how many characters are repeated of the end of a longer question, which stands whole at the
    ///     beginning anyway. Each member reads this again, after what only it has said.
    public static func standard(
        phrases: Phrases = .english,
        excerptLength: Int = 600,
        reminderLength: Int = 120
    ) -> DebatePrompts {
        DebatePrompts { view in
            let answers = view.others.enumerated().map { index, group in
                let label =
                    view.namesAuthors
                    ? group.example.speaker
                    : phrases.anonymousAnswer.replacing("#", with: "\(index + 1)")
                return "\(label): \(group.example.text.excerpt(excerptLength))"
            }
            let shown = ([phrases.othersAnswered] + answers).joined(separator: "\n")
            switch view.request.input {
            case .dialogue:
                let question = view.request.question
                func turn(_ question: String) -> String { "\(shown)\n\n\(phrases.instruction) \(question)" }
                // Templates insist on turns that alternate: one of the member's own at most.
                if view.history.isEmpty { return view.request.replacingQuestion(with: turn(question)) }
                let own = view.history.map { $0.text.excerpt(excerptLength) }.joined(separator: "\n\n")
                // The whole question stands in front already: of a long one its end is repeated.
                let reminder = question.excerpt(min(excerptLength, reminderLength))
                let end = question.count > excerptLength ? reminder : question
                return view.request.appending([.assistant(own), .user(turn(end))])
            case .completion(let text):
                var request = view.request
                request.input = .completion("\(shown)\n\n\(text)")
                return request
            }
        }
    }
}

extension String {
    /// The text without white space at its ends.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }

    /// The end of a text that is too long: that is where answers stand.
    func excerpt(_ length: Int) -> String {
        let text = trimmed
        return text.count <= max(length, 1) ? text : "…" + text.suffix(max(length, 1))
    }
}
