import Collab

/// An answer of which a server is told all tokens at every request.
final class RemoteTopLogprobAnswer: TopLogprobAnswer {
    private let model: RemoteTopLogprobModel
    private let endTokens: Set<TokenID>
    private let state: Protected<State>

    private struct State {
        var read: [TokenID]
        /// What is known to come after what has been read.
        var place: Place?
        /// What is known to come after each of some guesses.
        var ahead: ArraySlice<(guess: [TokenID], place: Place)> = []
        var usage = Usage()
    }

    /// What comes after a place of the answer.
    private struct Place: Sendable {
        var distribution: PartialDistribution
        /// How many tokens were asked for.
        var count: Int
        /// The listed tokens by their bytes, to be read as the tokens that they are.
        var tokens: [[UInt8]: TokenID]
    }

    init(_ model: RemoteTopLogprobModel, _ prompt: [TokenID], endingAt endTokens: Set<TokenID>) {
        self.model = model
        self.endTokens = endTokens
        state = Protected(State(read: prompt))
    }

    var usage: Usage { state.withLock { $0.usage } }

    // MARK: Reading

    func next(count: Int) async throws(CollabError) -> PartialDistribution {
        let wanted = min(count, model.limit ?? count)
        if let known = state.withLock({ $0.place }), known.count >= wanted { return known.distribution }
        let answer = try await complete([], listing: wanted)
        let place = try await place(of: written(answer), wanted)
        state.withLock { $0.place = place }
        return place.distribution
    }

    /// In one request, which llama.cpp's server does not know.
    func foresee(_ guesses: [[UInt8]], count: Int) async throws(CollabError) {
        guard model.base.server.extensions == .vLLM, !guesses.isEmpty else { return }
        let wanted = min(count, model.limit ?? count)
        try await model.base.findContinuationRule()
        let spelled = try await concurrently(guesses) { (bytes) async throws(CollabError) -> [TokenID] in
            try await self.model.base.tokens(continuing: String(decoding: bytes, as: UTF8.self))
        }
        let guesses = Array(spelled.prefix { !$0.isEmpty })
        guard !guesses.isEmpty else { return }
        let answer = try await complete(guesses.flatMap { $0 }, listing: wanted)
        guard let prompt = answer["choices"]?[0]?["prompt_logprobs"]?.arrayValue else {
            throw model.base.malformed("it does not list tokens at the places of the prompt")
        }
        var index = state.withLock { $0.read.count }
        var places: [Place] = []
        for guess in guesses {
            guard prompt.indices.contains(index) else {
                throw model.base.malformed("it lists tokens at \(prompt.count) places of a longer prompt")
            }
            places.append(try await place(of: inPrompt(prompt[index], wanted), wanted))
            index += guess.count
        }
        places.append(try await place(of: written(answer), wanted))
        state.withLock { [places] state in
            state.place = places[0]
            state.ahead = zip(guesses, places.dropFirst()).map { (guess: $0, place: $1) }[...]
        }
    }

    func write(_ bytes: [UInt8]) async throws(CollabError) {
        let tokens: [TokenID]
        if let token = state.withLock({ $0.place?.tokens[bytes] }) {
            tokens = [token]
        } else {
            tokens = try await model.base.tokens(continuing: String(decoding: bytes, as: UTF8.self))
        }
        state.withLock { state in
            state.read += tokens
            let foreseen = state.ahead.first
            if let foreseen, foreseen.guess == tokens {
                state.ahead.removeFirst()
                state.place = foreseen.place
            } else {
                state.ahead = []
                state.place = nil
            }
        }
    }

    // MARK: Asking

    /// Asks for one token after what has been read and some guesses.
    private func complete(
        _ guesses: [TokenID],
        listing count: Int
    ) async throws(CollabError) -> JSONValue {
        let base = model.base
        let tokens = state.withLock { $0.read } + guesses
        var body: JSONObject = [
            "model": .string(base.model), "prompt": .array(tokens.map { .integer(Int64($0)) }),
            "max_tokens": 1, "logprobs": .integer(Int64(count)), "temperature": 0,
        ]
        if base.server.extensions == .llamaCPP {
            body["cache_prompt"] = true
        } else {
            body["return_tokens_as_token_ids"] = true
        }
        if !guesses.isEmpty { body["prompt_logprobs"] = .integer(Int64(count)) }
        let answer = try await base.endpoint.fetchJSON(
            "POST",
            "completions",
            body: JSONValue.object(body).encoded(),
            model: base.model
        )
        var used = (ChatCompletionsDecoder.usage(answer["usage"]) ?? Usage()).priced(at: base.price)
        used.calls = 1
        state.withLock { [used] in $0.usage += used }
        return answer
    }

    /// A token that a server lists; it has a text or, from llama.cpp's server, bytes.
    private struct Listed: Sendable {
        var id: TokenID
        var logprob: Double
        var text: String?
        var bytes: [UInt8]?
    }

    /// What is listed for the token that was written.
    private func written(_ answer: JSONValue) throws(CollabError) -> [Listed] {
        let logprobs = answer["choices"]?[0]?["logprobs"]
        guard model.base.server.extensions == .llamaCPP else {
            guard case .object(let list)? = logprobs?["top_logprobs"]?[0] else { throw listsNothing }
            return try list.map { (member) throws(CollabError) in
                try listed(member.key, member.value.doubleValue)
            }
        }
        guard let list = logprobs?["content"]?[0]?["top_logprobs"]?.arrayValue else { throw listsNothing }
        return try list.map { (entry) throws(CollabError) in
            guard let id = entry["id"]?.intValue.flatMap({ TokenID(exactly: $0) }),
                let logprob = entry["logprob"]?.doubleValue, let text = entry["token"]?.stringValue
            else { throw lacksNumbers }
            let bytes = entry["bytes"]?.arrayValue?.compactMap {
                $0.intValue.flatMap { UInt8(exactly: $0) }
            }
            return Listed(id: id, logprob: logprob, text: text, bytes: bytes)
        }
    }

    /// What vLLM lists for a token of a prompt. The token itself is in the list even where it is not one of the most
    /// probable, and would then make the others seem less probable than they can be.
    private func inPrompt(_ entry: JSONValue, _ count: Int) throws(CollabError) -> [Listed] {
        guard case .object(let list) = entry else { throw listsNothing }
        let all = try list.map { (member) throws(CollabError) in
            try listed(member.key, member.value["logprob"]?.doubleValue)
        }
        return Array(all.sorted { $0.logprob > $1.logprob }.prefix(count))
    }

    /// One of vLLM's: `7` or `token_id:7`.
    private func listed(_ name: String, _ logprob: Double?) throws(CollabError) -> Listed {
        guard let id = TokenReport.id(in: name) ?? TokenID(name), let logprob else {
            throw lacksNumbers
        }
        return Listed(id: id, logprob: logprob)
    }

    private var listsNothing: CollabError {
        model.base.malformed("it does not list the most probable tokens")
    }
    private var lacksNumbers: CollabError {
        model.base.malformed("its list of tokens lacks ids or log-probabilities")
    }

    private func place(of list: [Listed], _ count: Int) async throws(CollabError) -> Place {
        guard !list.isEmpty else { throw listsNothing }
        guard list.allSatisfy({ $0.logprob < 0.01 }) else {
            throw model.base.malformed("some of its scores are no log-probabilities")
        }
        let texts = try await concurrently(list) { (token) async throws(CollabError) -> String in
            if let text = token.text { return text }
            return try await self.model.base.text(ofToken: token.id)
        }
        var entries: [PartialDistribution.Entry] = []
        var unnamed: [Double] = []
        var tokens: [[UInt8]: TokenID] = [:]
        for (token, text) in zip(list, texts).sorted(by: { $0.0.logprob > $1.0.logprob }) {
            let isEnd = endTokens.contains(token.id)
            let own =
                isEnd ? [] : token.bytes.flatMap { $0.isEmpty || model.endings.contains(text) ? nil : $0 }
            let logprob = min(token.logprob, 0)
            guard let bytes = own ?? model.bytes(of: text) else {
                unnamed.append(logprob)
                continue
            }
            entries.append(PartialDistribution.Entry(bytes: bytes, logprob: logprob))
            if tokens[bytes] == nil { tokens[bytes] = token.id }
        }
        return Place(
            distribution: PartialDistribution(entries, unnamed: unnamed),
            count: count,
            tokens: tokens
        )
    }
}
