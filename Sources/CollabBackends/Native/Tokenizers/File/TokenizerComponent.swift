import Collab

/// A part of `tokenizer.json`, with where it stands for messages.
struct TokenizerComponent {
    /// The part.
    let json: JSONValue
    /// Its path in the file, such as `pre_tokenizer.pretokenizers[1]`.
    let place: String

    /// The error for a part whose content is not what it has to be.
    func malformed(_ what: String) -> CollabError {
        CollabError(.malformedFile, "tokenizer.json: \(place) \(what).")
    }

    /// The error for a kind that is not known here.
    func unknown(_ what: String, known: some Sequence<String>) -> CollabError {
        CollabError(
            .unsupported,
            "tokenizer.json: \(place) is “\(what.abbreviated)”, which is not known here; known are "
                + "\(known.sorted().joined(separator: ", "))."
        )
    }

    /// The part's `type`.
    func type() throws(CollabError) -> String {
        guard let type = json["type"]?.stringValue else { throw malformed("has no type") }
        return type
    }

    /// A truth value.
    func bool(_ key: String, default value: Bool) throws(CollabError) -> Bool {
        guard let found = json[key], !found.isNull else { return value }
        guard let bool = found.boolValue else { throw malformed("has \(found.kind) as \(key)") }
        return bool
    }

    /// A text.
    func text(_ key: String) throws(CollabError) -> String {
        guard let text = json[key]?.stringValue else { throw malformed("has no text \(key)") }
        return text
    }

    /// A text that may be absent.
    func optionalText(_ key: String) throws(CollabError) -> String? {
        guard let found = json[key], !found.isNull else { return nil }
        guard let text = found.stringValue else { throw malformed("has \(found.kind) as \(key)") }
        return text
    }

    /// A count.
    func count(_ key: String, default value: Int) throws(CollabError) -> Int {
        guard let found = json[key], !found.isNull else { return value }
        guard let count = found.intValue, count >= 0 else { throw malformed("has no count \(key)") }
        return count
    }

    /// The parts of a sequence.
    func parts(_ key: String) throws(CollabError) -> [TokenizerComponent] {
        guard let array = json[key]?.arrayValue else { throw malformed("has no list \(key)") }
        return array.enumerated().map { .init(json: $1, place: "\(place).\(key)[\($0)]") }
    }

    /// A `pattern`: a text, or a regular expression of ``SplitPattern/expressions``.
    func pattern() throws(CollabError) -> SplitPattern {
        guard let pattern = json["pattern"] else { throw malformed("has no pattern") }
        if let literal = pattern["String"]?.stringValue {
            if literal.isEmpty { throw malformed("has an empty pattern") }
            return .literal(Array(literal.utf8))
        }
        guard let expression = pattern["Regex"]?.stringValue else {
            throw malformed("has a pattern that is neither String nor Regex")
        }
        guard let known = SplitPattern.expressions[expression] else {
            throw CollabError(
                .unsupported,
                "tokenizer.json: \(place) has the regular expression “\(expression.abbreviated)”, which is not known "
                    + "here; known are \(SplitPattern.expressions.keys.sorted().joined(separator: "   ")) ."
            )
        }
        return known
    }
}
