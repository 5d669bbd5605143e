internal import Collab

extension RemoteScoringModel {
    /// Scores texts by having each echoed behind the prompt.
    func echoedScores(
        of continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        guard case .completion(let prompt) = request.input else {
            throw CollabError(
                .unsupported,
                "\(base.server.name) does not tell what text a dialogue becomes, so nothing can be scored after one. Give "
                    + "\(name) a text to be continued (Request.completion)."
            )
        }
        guard !prompt.isEmpty else {
            throw CollabError(.invalidRequest, "The request has no text for \(name) to score anything after.")
        }
        return try await concurrently(continuations) { (text) async throws(CollabError) in
            let logprobs = text.isEmpty ? [] : try await echoedLogprobs(of: text, after: prompt)
            return ScoredContinuation(text: text, tokenLogprobs: logprobs)
        }
    }

    private func echoedLogprobs(of text: String, after prompt: String) async throws(CollabError) -> [Double] {
        // Some servers take no tokens to write for as many as they like, so one is asked for, and left out.
        let body: JSONObject = [
            "model": .string(base.model), "prompt": .string(prompt + text), "echo": true, "max_tokens": 1,
            "logprobs": 1, "temperature": 0,
        ]
        let answer = try await base.endpoint.fetchJSON(
            "POST",
            "completions",
            body: JSONValue.object(body).encoded(),
            model: base.model
        )
        spend(answer)
        let choice = answer["choices"]?[0]
        guard choice?["text"]?.stringValue?.utf8.starts(with: (prompt + text).utf8) == true,
            let echo = EchoedTokens(choice?["logprobs"])
        else {
            throw base.malformed("it does not echo the prompt with the places and scores of its tokens")
        }
        switch echo.scores(of: text, after: prompt) {
        case .known(let logprobs): return logprobs
        case .straddled:
            throw CollabError(
                .invalidRequest,
                "For \(name) a token reaches from the prompt into “\(escapingControls(text, limit: 60))”, so neither has a "
                    + "score of its own. Begin the continuation with the white space before it instead of ending the "
                    + "prompt with it."
            )
        case .unusable(let what): throw base.malformed(what)
        }
    }
}

/// The tokens of a text that a server has echoed, each with its place and its score.
struct EchoedTokens {
    /// What is known of a part of the text.
    enum Scores: Equatable {
        case known([Double])
        /// A token begins before the part and ends in it.
        case straddled
        case unusable(String)
    }

    private let texts: [String]
    /// Where each token begins, in Unicode scalars.
    private let offsets: [Int]
    private let logprobs: [Double?]

    /// Reads the older form of completions' log-probabilities; `nil` if a list is missing or too short.
    init?(_ report: JSONValue?) {
        guard let tokens = report?["tokens"]?.arrayValue, let places = report?["text_offset"]?.arrayValue,
            let scores = report?["token_logprobs"]?.arrayValue, !tokens.isEmpty,
            places.count == tokens.count, scores.count == tokens.count
        else { return nil }
        let offsets = places.compactMap(\.intValue)
        guard offsets.count == places.count, zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 })
        else { return nil }
        self.offsets = offsets
        texts = tokens.map { $0.stringValue ?? "" }
        logprobs = scores.map(\.doubleValue)
    }

    /// The natural log-probability of each token of a part, after all before it.
    func scores(of part: String, after beginning: String) -> Scores {
        let start = beginning.unicodeScalars.count
        let end = start + part.unicodeScalars.count
        guard let first = offsets.firstIndex(of: start) else { return .straddled }
        // What the server has written itself begins where the text ends.
        let range = first..<(offsets.firstIndex { $0 >= end } ?? offsets.count)
        // Tokens that are cut within a character have no text of their own.
        let isWhole = texts[range].allSatisfy {
            !$0.isEmpty && !$0.hasPrefix("bytes:") && !$0.unicodeScalars.contains("\u{FFFD}")
        }
        guard !isWhole || texts[range].joined().utf8.elementsEqual(part.utf8) else {
            return .unusable("the places of its tokens do not fit their texts")
        }
        let known = logprobs[range].compactMap { $0 }
        guard known.count == range.count, known.allSatisfy({ $0 < 0.01 }) else {
            return .unusable("some of its scores are no log-probabilities")
        }
        return .known(known)
    }
}
