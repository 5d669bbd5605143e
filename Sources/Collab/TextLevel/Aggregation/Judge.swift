/// A model that says which of two answers to a question is better, asked in both orders.
///
/// Judges favour what they are shown first (of GPT-3.5's inconsistent verdicts on LLMBar, 93 % do), so a verdict counts
/// only if it is the same in both orders; everything else is a tie. Verdicts that cannot be read are none.
///
/// <!-- fragment -->
/// ```swift
/// let judgement = try await Judge(large).compare("It is 42.", "It is 41.", on: "What is 17 + 25?")
/// ```
public struct Judge: Sendable {
    /// Which of two answers is better.
    public enum Preference: String, Hashable, Sendable, Codable {
        /// The first.
        case first
        /// The second.
        case second
    }

    /// What a judge said in the two orders, by the answers' own numbers.
    public struct Judgement: Hashable, Sendable, Codable {
        /// What it prefers with the first answer shown first; `nil` if that could not be read.
        public var plain: Preference?
        /// What it prefers with the second answer shown first.
        public var swapped: Preference?

        /// Makes a judgement.
        public init(plain: Preference?, swapped: Preference?) {
            self.plain = plain
            self.swapped = swapped
        }

        /// The answer preferred in both orders; `nil` is a tie.
        public var preference: Preference? { plain == swapped ? plain : nil }
        /// Whether both verdicts could be read and are the same.
        public var isConsistent: Bool { preference != nil }
    }

    /// Who judges.
    public var model: any TextModel
    /// Makes the question to the judge from the request and the two answers in the order in which they are shown, called
    /// A and B; the judge is to end with one of the letters.
    public var prompt: @Sendable (_ request: Request, _ first: String, _ second: String) -> Request

    /// Makes a judge.
    public init(
        _ model: any TextModel,
        prompt: @escaping @Sendable (_ request: Request, _ first: String, _ second: String) -> Request =
            Judge.standardPrompt
    ) {
        self.model = model
        self.prompt = prompt
    }

    /// The question, the two answers, and what to look at: correctness first, not length and not order.
    @Sendable
    public static func standardPrompt(_ request: Request, _ first: String, _ second: String) -> Request {
        prompt(in: .english)(request, first, second)
    }

    /// The standard question in some language.
    public static func prompt(
        in wording: Wording
    ) -> @Sendable (_ request: Request, _ first: String, _ second: String) -> Request {
        { request, first, second in
            let parts = [
                wording(
                    "Which of two answers to a question is better? What counts is first whether it is right and does what "
                        + "was asked, then whether it is clear. Neither its length nor its place counts."
                ),
                "\(wording("Question")): \(request.question.trimmed)",
                "\(wording("Answer #", "A")): \(first.trimmed)",
                "\(wording("Answer #", "B")): \(second.trimmed)",
                wording(
                    "Compare them in a sentence, and end with “The answer is A” or “The answer is B”."
                ),
            ]
            var asked = Request(.dialogue([.user(parts.joined(separator: "\n\n"))]))
            asked.sample = request.sample
            return asked
        }
    }

    /// Compares two answers, in both orders side by side: two calls.
    public func compare(
        _ first: String,
        _ second: String,
        on request: Request
    ) async throws(CollabError) -> Judgement {
        let verdicts = try await concurrently([false, true]) { (isSwapped) async throws(CollabError) in
            try await verdict(on: request, first, second, isSwapped: isSwapped)
        }
        return Judgement(plain: verdicts[0], swapped: verdicts[1])
    }

    private static let format = AnswerFormat.choice("A"..."B")

    private func verdict(
        on request: Request,
        _ first: String,
        _ second: String,
        isSwapped: Bool
    ) async throws(CollabError) -> Preference? {
        let asked = isSwapped ? prompt(request, second, first) : prompt(request, first, second)
        switch Self.format.answer(in: try await model.respond(to: asked).text).value {
        case "A": return isSwapped ? .second : .first
        case "B": return isSwapped ? .first : .second
        default: return nil
        }
    }
}
