import Collab

/// Turns a dialogue into a model's tokens through its chat template.
///
/// The template's markers, such as `<|im_end|>`, become control tokens; the same text inside a message stays text, so
/// that nobody can end a turn, or begin one in another role, by writing its marker.
struct DialogueRenderer: Sendable {
    let template: ChatTemplate
    let vocabulary: any ModelTokenizer

    func tokens(for messages: [Message]) throws(CollabError) -> [TokenID] {
        var shielded = messages
        var shield: Unicode.Scalar?
        for index in messages.indices {
            guard try holdsMarkers(messages[index].text) else { continue }
            let scalar: Unicode.Scalar
            if let shield { scalar = shield } else { scalar = try unusedScalar(in: messages) }
            shield = scalar
            shielded[index].text = Self.shielded(messages[index].text, by: scalar)
        }
        let text = try template.render(
            messages: shielded,
            addGenerationPrompt: true,
            bosToken: spelling(vocabulary.markers.begin),
            eosToken: spelling(vocabulary.markers.end)
        )
        guard let shield else {
            return try vocabulary.encodePrompt(text, parsingSpecialTokens: true, rendersMarkers: true)
        }
        // Markers cannot be read across the pieces, since every one that came from a message has been cut.
        var tokens: [TokenID] = []
        for (index, piece) in text.unicodeScalars.split(separator: shield).enumerated() {
            let piece = String(Substring(piece))
            tokens +=
                index == 0
                ? try vocabulary.encodePrompt(piece, parsingSpecialTokens: true, rendersMarkers: true)
                : try vocabulary.encode(continuing: piece, parsingSpecialTokens: true)
        }
        return tokens
    }

    /// Whether a message holds text that names a control token.
    private func holdsMarkers(_ text: String) throws(CollabError) -> Bool {
        try vocabulary.encode(text, parsingSpecialTokens: true).contains { vocabulary.isControl($0) }
    }

    /// The text, cut by a scalar after every ASCII character that is neither a letter, a digit nor white space.
    private static func shielded(_ text: String, by shield: Unicode.Scalar) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            scalars.append(scalar)
            let properties = scalar.properties
            if scalar.isASCII, !properties.isAlphabetic, properties.numericType == nil,
                !properties.isWhitespace
            {
                scalars.append(shield)
            }
        }
        return String(scalars)
    }

    /// A private-use scalar that no message holds.
    private func unusedScalar(in messages: [Message]) throws(CollabError) -> Unicode.Scalar {
        let used = messages.reduce(into: Set<Unicode.Scalar>()) { $0.formUnion($1.text.unicodeScalars) }
        for value in 0xE000...0xF8FF as ClosedRange<UInt32> {
            if let scalar = Unicode.Scalar(value), !used.contains(scalar) { return scalar }
        }
        throw CollabError(.invalidRequest, "The messages use every private-use character there is.")
    }

    private func spelling(_ token: TokenID?) -> String {
        token.map { String(decoding: vocabulary.spelling(of: $0), as: UTF8.self) } ?? ""
    }
}
