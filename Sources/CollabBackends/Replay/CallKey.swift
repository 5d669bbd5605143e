import Collab

/// What makes two calls the same for replaying: the model and the whole request, sample index included.
struct CallKey: Hashable {
    let model: String
    let request: Request

    /// Makes a key of a call as it is written down: without keys of servers that were quoted.
    init(model: String, request: Request) {
        self.model = model
        self.request = request.withoutQuotedKeys
    }
}

extension CallKey {
    /// How far apart two calls are: the model weighs most, then the shape and options, then the words.
    func distance(to other: CallKey) -> Double {
        var distance = 0.0
        if model != other.model { distance += 4 }
        if request.sample != other.request.sample { distance += 0.5 }
        if request.options != other.request.options { distance += 0.5 }
        distance += 3 * (1 - CallKey.similarity(text, other.text))
        return distance
    }

    /// The first way in which a call differs from a recorded one, in words.
    func difference(from recorded: CallKey) -> String {
        if model != recorded.model { return "the model (recorded: “\(recorded.model)”)" }
        if text != recorded.text {
            let (asked, kept) = CallKey.firstDifference(text, recorded.text)
            return "the text (asked: “\(asked)”, recorded: “\(kept)”)"
        }
        if request.sample != recorded.request.sample {
            return "the sample index (asked: \(request.sample), recorded: \(recorded.request.sample))"
        }
        if request.options != recorded.request.options {
            return "the options (asked: \(request.options), recorded: \(recorded.request.options))"
        }
        if request.input != recorded.request.input {
            return "the attachments, tool calls or turns of the dialogue"
        }
        return "nothing: it was recorded fewer times than it is asked now"
    }

    private var text: String {
        switch request.input {
        case .completion(let text): text
        case .dialogue(let messages):
            messages.map { "\($0.role.rawValue): \($0.text)" }.joined(separator: "\n")
        }
    }

    /// The share of words that two texts have in common (Dice coefficient over distinct words).
    private static func similarity(_ left: String, _ right: String) -> Double {
        let left = Set(left.split(whereSeparator: \.isWhitespace))
        let right = Set(right.split(whereSeparator: \.isWhitespace))
        let total = left.count + right.count
        return total == 0 ? 1 : 2 * Double(left.intersection(right).count) / Double(total)
    }

    /// Excerpts around the first character in which two texts differ.
    private static func firstDifference(_ left: String, _ right: String) -> (String, String) {
        let common = zip(left, right).prefix { $0 == $1 }.count
        let start = max(0, common - 20)
        func excerpt(_ text: String) -> String {
            let part = text.dropFirst(start).prefix(60)
            return (start > 0 ? "…" : "") + part.replacing("\n", with: "⏎")
                + (text.count > start + 60 ? "…" : "")
        }
        return (excerpt(left), excerpt(right))
    }
}
