import Collab

/// Turns a dialogue into a model's tokens through its chat template.
///
/// The template's markers, such as `<|im_end|>`, become control tokens; the same text inside a message stays text, so
/// that nobody can end a turn, or begin one in another role, by writing its marker.
struct DialogueRenderer: Sendable {
    let template: ChatTemplate
    let vocabulary: any ModelTokenizer

    func tokens(for messages: [Message]) throws(CollabError) -> [TokenID] {
        var values = messages.map(\.templateValue)
        var shield: Unicode.Scalar?
        for index in values.indices {
            guard try holdsMarkers(values[index]) else { continue }
            let scalar: Unicode.Scalar
            if let shield { scalar = shield } else { scalar = try unusedScalar(in: values) }
            shield = scalar
            values[index] = Self.shielded(values[index], by: scalar)
        }
        let text = try template.render(
            messages: values,
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

    /// Whether a message, the names and arguments of its tool calls included, holds text that names a control token.
    private func holdsMarkers(_ message: JSONValue) throws(CollabError) -> Bool {
        for text in message.texts {
            let tokens = try vocabulary.encode(text, parsingSpecialTokens: true)
            if tokens.contains(where: { vocabulary.isControl($0) }) { return true }
        }
        return false
    }

    /// All that a message says, cut; the names of its members are the template's, but for those of a tool's arguments.
    private static func shielded(_ value: JSONValue, by shield: Unicode.Scalar, names: Bool = false)
        -> JSONValue
    {
        switch value {
        case .string(let text): return .string(shielded(text, by: shield))
        case .array(let elements):
            return .array(elements.map { shielded($0, by: shield, names: names) })
        case .object(let object):
            var result = JSONObject()
            for member in object {
                let key = names ? shielded(member.key, by: shield) : member.key
                result[key] = shielded(
                    member.value,
                    by: shield,
                    names: names || member.key == Message.argumentsKey
                )
            }
            return .object(result)
        default: return value
        }
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

    /// A hieroglyph that no message holds: a character that prints, so that templates that quote texts write it as it is.
    private func unusedScalar(in messages: [JSONValue]) throws(CollabError) -> Unicode.Scalar {
        var used: Set<Unicode.Scalar> = []
        for message in messages { for text in message.texts { used.formUnion(text.unicodeScalars) } }
        for value in 0x13000...0x1342E as ClosedRange<UInt32> {
            if let scalar = Unicode.Scalar(value), !used.contains(scalar) { return scalar }
        }
        throw CollabError(.invalidRequest, "The messages use every hieroglyph there is.")
    }

    private func spelling(_ token: TokenID?) -> String {
        token.map { String(decoding: vocabulary.spelling(of: $0), as: UTF8.self) } ?? ""
    }
}

extension JSONValue {
    /// All texts in it, members' names included.
    fileprivate var texts: [String] {
        switch self {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(\.texts)
        case .object(let object): object.flatMap { [$0.key] + $0.value.texts }
        default: []
        }
    }
}
