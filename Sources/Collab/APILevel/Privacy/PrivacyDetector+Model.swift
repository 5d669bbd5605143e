extension PrivacyDetector {
    /// Lets a local model look for names, places and whatever else has no form.
    ///
    /// The model lists what it finds, a line each; what does not stand in the text word for word is passed over. Small
    /// models overlook much: combine it with the other detectors, and measure it on texts of your own.
    ///
    /// - Parameters:
    ///   - model: who looks. It must be local, by its ``ModelProfile``.
    ///   - instructions: what to look for.
    public static func model(
        _ model: any TextModel,
        instructions: String =
            "names of people, addresses, dates of birth, and anything that tells who somebody is"
    ) -> PrivacyDetector {
        PrivacyDetector("what \(model.name) finds private", callRange: 1...1) { text in
            guard model.profile.isLocal else {
                throw CollabError(
                    .invalidRequest,
                    """
                    \(model.name) is to look for private parts, but it is not known to be local; vouch for it with \
                    located(.local).
                    """
                )
            }
            if text.allSatisfy(\.isWhitespace) { return [] }
            var request = Request(
                """
                Find private details in a text: \(instructions).
                Write each on a line of its own as KIND: words exactly as in the text. \
                Example: NAME: Anna Miller
                Write NONE if there are none.

                Text: \(text)
                """
            )
            request.options.maximumTokens = 256
            let answer = try await model.respond(to: request).text
            return listed(in: answer).flatMap { kind, words in
                text.occurrences(of: words).filter { text.isWholeWord($0) }
                    .map { PrivateSpan(kind: kind, range: $0) }
            }
        }
    }

    /// The lines of the form `KIND: words`.
    private static func listed(in answer: String) -> [(kind: String, words: String)] {
        answer.split(whereSeparator: \.isNewline).compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let kind = line[..<colon].filter { $0.isASCII && $0.isLetter }.uppercased()
            let words = AnswerText.bare(line[line.index(after: colon)...])
            guard (1...20).contains(kind.count), words.count >= 2 else { return nil }
            return (kind, words)
        }
    }
}
