internal import Collab

/// An answer of which a server is sent the whole text at every request.
final class RemoteTextTopsAnswer: TopLogprobAnswer {
    private let model: RemoteTextTopsModel
    private let input: Request.Input
    private let state = Protected(State())

    private struct State {
        var written: [UInt8] = []
        /// What is known to come next, and how many tokens were asked for.
        var next: (distribution: PartialDistribution, count: Int)?
        var usage = Usage()
    }

    init(_ model: RemoteTextTopsModel, _ input: Request.Input) {
        self.model = model
        self.input = input
    }

    var usage: Usage { state.withLock { $0.usage } }

    func next(count: Int) async throws(CollabError) -> PartialDistribution {
        let wanted = min(count, model.limit ?? count)
        let (known, bytes) = state.withLock { ($0.next, $0.written) }
        if let known, known.count >= wanted { return known.distribution }
        let distribution: PartialDistribution
        if let text = String(validating: bytes, as: UTF8.self) {
            distribution = try self.distribution(of: try await complete(text, listing: wanted), after: text)
        } else {
            distribution = PartialDistribution([])
        }
        state.withLock { $0.next = (distribution, wanted) }
        return distribution
    }

    func write(_ bytes: [UInt8]) async throws(CollabError) {
        state.withLock {
            $0.written += bytes
            $0.next = nil
        }
    }

    // MARK: Asking

    /// Asks for one token after what has been written.
    private func complete(_ written: String, listing count: Int) async throws(CollabError) -> JSONValue {
        let base = model.base
        var body: JSONObject = ["model": .string(base.model), "temperature": 0]
        let path: String
        switch input {
        case .completion(let prompt):
            path = "completions"
            body["prompt"] = .string(prompt + written)
            body["max_tokens"] = 1
            body["logprobs"] = .integer(Int64(count))
        case .dialogue(let messages):
            path = "chat/completions"
            var turns = messages.map { message -> JSONValue in
                ["role": .string(message.role.rawValue), "content": .string(message.text)]
            }
            if !written.isEmpty, let prefix = model.prefix {
                var last: JSONObject = ["role": "assistant", "content": .string(written)]
                for field in prefix.message { last[field.key] = field.value }
                turns.append(.object(last))
                for field in prefix.request { body[field.key] = field.value }
            }
            body["messages"] = .array(turns)
            body[base.server.tokenLimitField] = 1
            body["logprobs"] = true
            body["top_logprobs"] = .integer(Int64(count))
        }
        for extra in base.settings.extras where body[extra.key] == nil { body[extra.key] = extra.value }
        let answer = try await base.endpoint.fetchJSON(
            "POST",
            path,
            body: JSONValue.object(body).encoded(),
            model: base.model
        )
        var used = (ChatCompletionsDecoder.usage(answer["usage"]) ?? Usage()).priced(at: base.price)
        used.calls = 1
        state.withLock { [used] in $0.usage += used }
        return answer
    }

    // MARK: Reading

    private func distribution(
        of answer: JSONValue,
        after written: String
    ) throws(CollabError) -> PartialDistribution {
        let choice = answer["choices"]?[0]
        guard let reported = TokenReport.tokens(choice?["logprobs"] ?? .null, alternatives: .max) else {
            throw model.base.malformed("some of its scores are no log-probabilities")
        }
        // Nothing was added and nothing cut it short: the token that was chosen is an end, whatever it is called. Some
        // servers repeat the message that they have gone on with.
        let text = choice?["text"]?.stringValue ?? choice?["message"]?["content"]?.stringValue ?? ""
        let hasEnded = (text.isEmpty || text == written) && choice?["finish_reason"]?.stringValue == "stop"
        guard let token = reported.first else {
            guard hasEnded else {
                throw model.base.malformed("it does not list the most probable tokens")
            }
            return PartialDistribution(
                [PartialDistribution.Entry(bytes: [], logprob: 0)],
                isWhole: true,
                isAssumed: true
            )
        }
        guard !token.alternatives.isEmpty else {
            throw model.base.malformed("it does not list the most probable tokens")
        }
        var listed: [PartialDistribution.Entry] = []
        var unnamed: [Double] = []
        for other in token.alternatives {
            let logprob = min(other.logprob, 0)
            let text = String(validating: other.bytes, as: UTF8.self)
            let isChosen = other.bytes == token.bytes && other.logprob == token.logprob
            if hasEnded && isChosen || text.map(model.endings.contains) == true {
                listed.append(PartialDistribution.Entry(bytes: [], logprob: logprob))
            } else if let text, !text.isEmpty, !text.unicodeScalars.contains("\u{FFFD}"),
                !text.hasPrefix("bytes:")
            {
                listed.append(PartialDistribution.Entry(bytes: other.bytes, logprob: logprob))
            } else {
                // A part of a character could be listed by its bytes, but what follows it could not be asked for.
                unnamed.append(logprob)
            }
        }
        return PartialDistribution(listed, unnamed: unnamed)
    }
}
