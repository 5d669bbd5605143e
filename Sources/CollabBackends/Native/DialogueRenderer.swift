import Collab

/// Turns a dialogue into a model's tokens through its chat template.
///
/// The template's markers, such as `<|im_end|>`, become control tokens; the same text inside a message stays text, so
/// that nobody can end a turn, or begin one in another role, by writing its marker.
struct DialogueRenderer: Sendable {
    let template: ChatTemplate
    let vocabulary: any ModelTokenizer
    /// Found when a dialogue with tool calls needs them first.
    private let known = Protected<ControlMarkers?>(nil)

    init(template: ChatTemplate, vocabulary: any ModelTokenizer) {
        self.template = template
        self.vocabulary = vocabulary
    }

    /// How the vocabulary's control tokens are spelled.
    var markers: ControlMarkers {
        known.withLock { known in
            let markers = known ?? ControlMarkers(of: vocabulary)
            known = markers
            return markers
        }
    }

    func tokens(for messages: [Message]) throws(CollabError) -> [TokenID] {
        let (values, shield) = try shielded(messages.map(\.templateValue))
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

    private func spelling(_ token: TokenID?) -> String {
        token.map { String(decoding: vocabulary.spelling(of: $0), as: UTF8.self) } ?? ""
    }
}
