import Collab

/// What is put before the members: worked examples in plain text, since one of them was never tuned for dialogue.
enum Conversation {
    private static let facts = """
        Q: What is the boiling point of water at sea level?
        A: Water boils at 100 degrees Celsius at sea level

        Q: Who wrote “Romeo and Juliet”?
        A: William Shakespeare wrote “Romeo and Juliet”

        Q: Do goldfish have a memory of only three seconds?
        A: No, goldfish can remember things for months

        """

    private static let weighed = """
        Q: What is the capital of Australia? Some say: Sydney is the capital of Australia. Others say: Canberra is the \
        capital of Australia.
        A: Canberra is the capital of Australia

        Q: How many legs does a spider have? Some say: A spider has eight legs. Others say: A spider has six legs.
        A: A spider has eight legs

        """

    private static let reflected = """
        Q: What is the capital of Australia? You said: Sydney is the capital of Australia. Is that true? Think again.
        A: Canberra is the capital of Australia

        Q: How many legs does a spider have? You said: A spider has eight legs. Is that true? Think again.
        A: A spider has eight legs

        """

    /// The question by itself.
    static func opening(_ question: String) -> Request {
        .completion("\(facts)\nQ: \(question)\nA:")
    }

    /// The question with the member's own answer and those of the others, after examples of such questions.
    static func exchange(_ question: String) -> DebatePrompts {
        DebatePrompts { view in
            let answers = (view.own.map { [$0.text] } ?? []) + view.others.map(\.example.text)
            let said = answers.enumerated().map { "\($0 == 0 ? "Some" : "Others") say: \($1)." }
            let heard = said.joined(separator: " ")
            return .completion("\(facts)\n\(weighed)\nQ: \(question) \(heard)\nA:")
        }
    }

    /// The question with the member's own answer, to be thought about again.
    static func reflection(_ question: String, own: String) -> Request {
        .completion("\(facts)\n\(reflected)\nQ: \(question) You said: \(own). Is that true? Think again.\nA:")
    }
}
