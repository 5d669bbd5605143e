import Collab

/// Cuts the names of control tokens in what messages say.
///
/// A message that names one is cut in all that it says. What names a tool call is looked at by itself and cut alike in
/// every message, or nowhere: templates look for the call that a result belongs to, and some count an id's characters.
extension DialogueRenderer {
    /// The messages with every name of a control token cut, and the scalar that cuts; nil where there was none to cut.
    func shielded(_ messages: [JSONValue]) throws(CollabError) -> ([JSONValue], shield: Unicode.Scalar?) {
        var areCut: [Bool] = []
        for message in messages {
            try checkCancellation()
            areCut.append(argumentsCouldNameOne(message) ? true : try namesControlToken(message.texts))
        }
        let identifiers = try identifiersToCut(in: messages)
        guard areCut.contains(true) || !identifiers.isEmpty else { return (messages, nil) }
        let shield = Shield(scalar: try unusedScalar(in: messages), identifiers: identifiers)
        return (zip(messages, areCut).map { shield.cutting($0, isCut: $1) }, shield.scalar)
    }

    private func namesControlToken(_ texts: [String]) throws(CollabError) -> Bool {
        for text in texts {
            let tokens = try vocabulary.encode(text, parsingSpecialTokens: true)
            if tokens.contains(where: { vocabulary.isControl($0) }) { return true }
        }
        return false
    }

    /// Whether a name or text among the arguments of calls could become a marker together with what a template writes
    /// beside it.
    private func argumentsCouldNameOne(_ message: JSONValue) -> Bool {
        let texts = message.arguments.flatMap(\.texts).filter(Shield.hasSigns)
        if texts.isEmpty { return false }
        let markers = markers
        return texts.contains { markers.couldHold(partOf: $0) }
    }

    /// The names and ids of calls that name a control token, or could do so together with what a template writes
    /// beside them.
    private func identifiersToCut(in messages: [JSONValue]) throws(CollabError) -> Set<UTF8Key> {
        // Without a sign there is nowhere to cut; such a name becomes a marker only where the template itself writes
        // the signs around it, as it does with roles.
        let found = Set(messages.flatMap(\.identifiers).filter(Shield.hasSigns).map(UTF8Key.init))
        if found.isEmpty { return [] }
        let markers = markers
        var result: Set<UTF8Key> = []
        for identifier in found {
            try checkCancellation()
            if markers.couldHold(partOf: identifier.string) {
                result.insert(identifier)
            } else if try namesControlToken([identifier.string]) {
                result.insert(identifier)
            }
        }
        return result
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

    /// The arguments of tool calls in a message.
    fileprivate var arguments: [JSONValue] {
        switch self {
        case .array(let elements): elements.flatMap(\.arguments)
        case .object(let object):
            object.flatMap { $0.key == Message.argumentsKey ? [$0.value] : $0.value.arguments }
        default: []
        }
    }

    /// The names and ids of tool calls in a message, the arguments of which hold none.
    fileprivate var identifiers: [String] {
        switch self {
        case .array(let elements): elements.flatMap(\.identifiers)
        case .object(let object):
            object.flatMap { (member) -> [String] in
                if let identifier = member.identifier { return [identifier] }
                return member.key == Message.argumentsKey ? [] : member.value.identifiers
            }
        default: []
        }
    }
}
