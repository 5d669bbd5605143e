import Collab

/// How members hear of each other's answers: as a remark behind the question.
///
/// The standard prompts of a debate ask a model to check its answer against the others'. Models of a hundred million
/// parameters cannot follow that, but they can choose between things that some say when they have seen it done.
enum Hearsay {
    /// Prompts for a debate in which the others' answers stand behind the question.
    static let prompts = DebatePrompts { view in
        let answers = (view.own.map { [$0.text] } ?? []) + view.others.map(\.example.text)
        return question(view.request, answers: answers)
    }

    /// The request with what has been said behind its question, after examples of such questions.
    static func question(_ request: Request, answers: [String]) -> Request {
        var heard: [String] = []
        for answer in answers {
            let answer = answer.prefix { $0 != "\n" }.trimmingSuffix { $0.isPunctuation || $0.isWhitespace }
            if !answer.isEmpty, !heard.contains(String(answer)) { heard.append(String(answer)) }
        }
        guard !heard.isEmpty else { return request }
        let remark = "Some say " + heard.joined(separator: ", some say ") + "."
        let shown = Examples.hearsay.flatMap { [Message.user($0.key), .assistant($0.value)] }
        return Request(
            shown + [.user("\(request.question) \(remark)")],
            options: request.options
        )
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> Substring {
        guard let last = lastIndex(where: { !isTrimmed($0) }) else { return "" }
        return self[...last]
    }
}
