/// A text that is shown to a member, under a label.
public struct Exhibit: Hashable, Sendable, Codable {
    /// What it is: a phrase of a ``Wording``, in which each `#` stands for an argument.
    public var label: String
    /// What is filled into the label: a number, a name.
    public var arguments: [String]
    /// The text.
    public var text: String

    /// Makes an exhibit.
    public init(_ label: String, _ text: String, of arguments: [String] = []) {
        self.label = label
        self.arguments = arguments
        self.text = text
    }

    /// Numbered exhibits of texts: `Answer 1`, `Answer 2`.
    public static func numbered(_ label: String, _ texts: [String]) -> [Exhibit] {
        texts.enumerated().map { Exhibit("\(label) #", $1, of: ["\($0 + 1)"]) }
    }
}

extension Request {
    /// The same request with texts shown in front of its question, and what is to be done about them.
    ///
    /// The turns before the question, and standing instructions, stay. A text to be continued is continued behind what
    /// is shown.
    ///
    /// - Parameters:
    ///   - exhibits: what is shown.
    ///   - instruction: what is to be done, a phrase of the wording.
    ///   - arguments: what is filled into the instruction.
    ///   - wording: the language in which labels and instruction are put.
    public func showing(
        _ exhibits: [Exhibit],
        _ instruction: String,
        of arguments: [String] = [],
        in wording: Wording = .english
    ) -> Request {
        let shown = exhibits.map { "\(wording($0.label, filling: $0.arguments)): \($0.text)" }
            .joined(separator: "\n")
        let instruction = wording(instruction, filling: arguments)
        switch input {
        case .dialogue:
            let parts = [shown, instruction, "\(wording(Self.questionLabel)): \(question)"]
            return replacingQuestion(with: parts.filter { !$0.isEmpty }.joined(separator: "\n\n"))
        case .completion(let text):
            var request = self
            let parts = [shown, instruction, text].filter { !$0.isEmpty }
            request.input = .completion(parts.joined(separator: "\n\n"))
            return request
        }
    }

    /// The same request with standing instructions, also where the input is a text to be continued.
    public func instructed(_ instruction: String) -> Request {
        guard case .completion(let text) = input else { return prependingSystem(instruction) }
        var request = self
        request.input = .completion("\(instruction)\n\n\(text)")
        return request
    }

    private static let questionLabel = "Question"
}
