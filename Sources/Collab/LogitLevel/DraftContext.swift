/// Which of the earlier stages' drafts a member sees when the final answer is written together.
public struct DraftContext: Sendable {
    private let render: @Sendable (_ member: String, _ request: Request, _ drafts: [Draft]) -> Request

    /// Makes a rule of your own: from a member's name, the request and the drafts it makes the member's request.
    public init(
        _ render: @escaping @Sendable (_ member: String, _ request: Request, _ drafts: [Draft]) -> Request
    ) {
        self.render = render
    }

    /// Members see the request alone.
    public static let nothing = DraftContext { _, request, _ in request }

    /// Every author's latest draft, in the order in which the authors first spoke.
    public static let drafts = DraftContext { _, request, drafts in request.informed(by: drafts) }

    /// Every author's latest draft, for the named members only.
    public static func drafts(for members: String...) -> DraftContext {
        DraftContext { member, request, drafts in
            members.contains(member) ? request.informed(by: drafts) : request
        }
    }

    func inform(_ request: Request, of drafts: [Draft], for member: String) -> Request {
        render(member, request, drafts)
    }
}

extension Request {
    /// The same request with every author's latest draft in it; without drafts, the request itself.
    ///
    /// In a dialogue the drafts follow the question; a text to be continued has them in front of it as notes, so that
    /// it still ends where the answer begins.
    public func informed(by drafts: [Draft]) -> Request {
        var order: [String] = []
        var latest: [String: String] = [:]
        for draft in drafts {
            if latest[draft.author] == nil { order.append(draft.author) }
            latest[draft.author] = draft.text
        }
        guard !order.isEmpty else { return self }
        let findings = order.map { "- \($0): \(trimmed(latest[$0] ?? ""))" }.joined(separator: "\n")
        switch input {
        case .dialogue:
            return replacingQuestion(
                with:
                    "\(question)\n\nAnswers that were proposed:\n\(findings)\n\nWrite the best final answer."
            )
        case .completion(let text):
            return replacingQuestion(with: "Notes:\n\(findings)\n\n\(text)")
        }
    }
}

/// A text without white space at its ends.
private func trimmed(_ text: String) -> String {
    var slice = text[...]
    while slice.first?.isWhitespace == true { slice.removeFirst() }
    while slice.last?.isWhitespace == true { slice.removeLast() }
    return String(slice)
}
