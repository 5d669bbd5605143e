/// A text that is shown to a member, under a label.
public struct Exhibit: Hashable, Sendable, Codable {
    /// What it is.
    public var label: String
    /// The text.
    public var text: String

    /// Makes an exhibit.
    public init(_ label: String, _ text: String) {
        self.label = label
        self.text = text
    }

    /// Numbered exhibits of texts: `Answer 1`, `Answer 2`.
    public static func numbered(_ label: String, _ texts: [String]) -> [Exhibit] {
        texts.enumerated().map { Exhibit("\(label) \($0 + 1)", $1) }
    }
}

extension Request {
    /// The same request with texts shown in front of its question, and what is to be done about them.
    ///
    /// The turns before the question, and standing instructions, stay. A text to be continued is continued behind what
    /// is shown.
    public func showing(_ exhibits: [Exhibit], _ instruction: String) -> Request {
        let shown = exhibits.map { "\($0.label): \($0.text)" }.joined(separator: "\n")
        switch input {
        case .dialogue:
            let parts = [shown, instruction, "\(Self.questionLabel) \(question)"].filter { !$0.isEmpty }
            return replacingQuestion(with: parts.joined(separator: "\n\n"))
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

    private static let questionLabel = "Question:"
}
