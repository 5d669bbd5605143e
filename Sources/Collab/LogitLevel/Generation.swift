extension LogitModel {
    /// Writes an answer token by token from the model's logits.
    ///
    /// Each token is chosen by the request's ``Sampling`` rule. The answer ends at an end token, at a stop sequence,
    /// at the token limit (512 unless the request says otherwise, 2048 where tokens are bytes, and never more than the
    /// context holds, also where a fusion's member needs more tokens for the text than others), or when the run's time is
    /// up, with the ending ``Response/Ending/budgetExhausted``. Text is handed on at character boundaries, also where a
    /// limit cuts it, and never when it may yet become a stop sequence. White space in front of an answer in a dialogue is
    /// dropped.
    ///
    /// The response lists every token that was written with its log-probability before any sampling transform, unless
    /// the request does without. An end token is counted in the usage but not listed, since it has no text.
    ///
    /// Throws ``CollabError/Code/cancelled`` within one token of a cancellation, ``CollabError/Code/unfinishedAnswer`` where a
    /// constraint beneath demands more than was written, and what the decoder throws.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        // Drawn before anything is awaited, so that it does not depend on the order in which parallel calls run.
        let seed = generationSeed(for: request)
        try request.options.validate(for: tokenizer)
        try checkCancellation()
        let start = try await startDecoding(request)
        var generation = try Generation(self, request, seed: seed, start: start)
        return try await generation.run(into: sink)
    }

    /// The seed of a request's random choices: its own, or one drawn from the run's.
    ///
    /// A model that only writes faster what another one writes draws it under the other's name, and so does what is
    /// around it, so that answers do not depend on guesses.
    func generationSeed(for request: Request) -> UInt64 {
        request.options.seed
            ?? Run.current?.drawSeed("\(seedName(of: self))/\(request.sample)/\(request.contentHash)")
            ?? UInt64(bitPattern: Int64(request.sample))
    }
}

/// A decoder that knows more about an answer under way than its position.
protocol BoundedDecoder: Decoder {
    /// How many more tokens fit.
    var room: Int { get }
    /// Learns which token was chosen after so many, before it is read, if it is.
    func didChoose(_ token: TokenID, at position: Int)
}

/// A decoder that has something to tell in the trace of an answer that it has written.
protocol NotingDecoder: Decoder {
    /// Notes what was fused, guessed or deferred; a decoder around another one notes that of both.
    func note()
    /// Goes on counting where another decoder stands, of which it is a fork.
    func inheritNotes(of other: any Decoder)
    /// What ``note()`` would do now, had a token been chosen, whatever is read and chosen later.
    func notes(choosing token: TokenID?) -> @Sendable () -> Void
}

extension NotingDecoder {
    // Of guesses and handing over, which beams have no use for, forks tell nothing.
    func inheritNotes(of other: any Decoder) {}
    func notes(choosing token: TokenID?) -> @Sendable () -> Void { {} }
}

/// An answer while it is being written from logits.
struct Generation {
    /// How many tokens, unless they are bytes, an answer has at most when nobody says.
    static let defaultLimit = 512
    /// Why an answer ended that was not wanted any more: nobody will use it, so it need not be whole.
    static let stoppedEarly = Response.Ending.other("stopped early")

    private let model: any LogitModel
    private let start: DecodingStart
    private let limit: Int
    private let endTokens: Set<TokenID>
    private let vocabularySize: Int
    private var sampler: TokenSampler
    private var assembler = TextAssembler()
    private var matcher: StopMatcher
    private var text = ""
    private var tokens: [GeneratedToken] = []
    /// Whether the answer lists its tokens.
    private let listsTokens: Bool
    private var written = 0
    /// Whether white space is still to be dropped: an answer in a dialogue begins with its first word.
    private var skipsWhitespace = false

    init(
        _ model: some LogitModel,
        _ request: Request,
        seed: UInt64,
        start: DecodingStart
    ) throws(CollabError) {
        let options = request.options
        try options.validate(for: model.tokenizer)
        self.model = model
        self.start = start
        let room =
            (start.decoder as? any BoundedDecoder)?.room ?? model.contextLength - start.decoder.position
        let usual = model.tokenizer.usualLimit
        var wanted = options.maximumTokens ?? usual
        // That a budget has room for a long answer does not make it wanted.
        if Run.context?.allowance?.isOnlyLimit ?? false { wanted = min(wanted, usual) }
        // The last token need not be read any more, so one more than the room can be written.
        limit = min(wanted, max(room, 0) + 1)
        endTokens = model.tokenizer.endTokens
        vocabularySize = model.tokenizer.count
        listsTokens = options.listsTokens
        sampler = TokenSampler(options.sampling, alternatives: options.alternatives, seed: seed)
        matcher = try StopMatcher(options.stopSequences + start.stopSequences)
        if case .dialogue = request.input { skipsWhitespace = !start.keepsWhitespace }
    }

    /// Asked after every token whether the answer is to go on.
    var goesOn: (([GeneratedToken]) -> Bool)?

    mutating func run(into sink: ResponseSink) async throws(CollabError) -> Response {
        var next = Next.row(start.logits)
        let topDecoder = sampler.neededCount == nil ? nil : start.decoder as? any TopTokenDecoder
        let foreseeing = start.decoder as? any ForeseeingDecoder
        var ending: Response.Ending?
        while ending == nil {
            try checkCancellation()
            if Run.isTimeUp {
                ending = .budgetExhausted
                break
            }
            let choice = try choose(
                from: &next,
                decided: foreseeing?.decision(at: start.decoder.position)
            )
            written += 1
            (start.decoder as? any BoundedDecoder)?.didChoose(choice.token, at: start.decoder.position)
            if endTokens.contains(choice.token) {
                ending = .finished
                break
            }
            if await write(choice, into: sink) {
                ending = .finished
            } else if written == limit {
                ending = .tokenLimit
            } else if let goesOn, !goesOn(tokens) {
                ending = Self.stoppedEarly
            } else {
                foreseeing?.willChoose(with: sampler)
                do throws(CollabError) { next = try await read(choice.token, topDecoder) } catch {
                    // There was room for a token, but a member may cut one into several of its own.
                    guard error.code == .contextOverflow else { throw error }
                    ending = .tokenLimit
                }
            }
        }
        await finish(into: sink, isCut: ending != .finished)
        (start.decoder as? any NotingDecoder)?.note()
        let response = Response(
            text: text,
            model: model.name,
            ending: ending ?? .finished,
            tokens: listsTokens ? tokens : nil,
            usage: Usage(
                promptTokens: start.promptTokens,
                cachedTokens: start.cachedTokens,
                completionTokens: written,
                calls: 1
            )
        )
        if ending != Self.stoppedEarly { try start.constraints.check(response) }
        return response
    }

    /// What the next token is chosen from.
    private enum Next {
        case row(Logits)
        case top(TopTokens)
    }

    private func read(
        _ token: TokenID,
        _ topDecoder: (any TopTokenDecoder)?
    ) async throws(CollabError) -> Next {
        if let topDecoder, let count = sampler.neededCount {
            return .top(try await topDecoder.append([token], top: count, normalized: listsTokens))
        }
        return .row(try await start.decoder.append(token))
    }

    private mutating func choose(
        from next: inout Next,
        decided: TokenID?
    ) throws(CollabError) -> TokenSampler.Choice {
        switch next {
        case .row(var logits):
            // One reference, so that the padding is cut off in place.
            next = .row(Logits([]))
            // Rows behind the vocabulary's end are padding.
            if logits.count > vocabularySize { logits.values.removeSubrange(vocabularySize...) }
            return try sampler.choose(from: logits, decided: decided)
        case .top(let top):
            return try sampler.choose(from: top)
        }
    }

    /// Notes a token and hands on the text that it completes; true if it completes a stop sequence.
    private mutating func write(_ choice: TokenSampler.Choice, into sink: ResponseSink) async -> Bool {
        let tokenizer = model.tokenizer
        let bytes = tokenizer.bytes(of: choice.token)
        if listsTokens {
            tokens.append(
                GeneratedToken(
                    id: choice.token,
                    bytes: bytes,
                    logprob: choice.logprob,
                    alternatives: choice.alternatives.map {
                        GeneratedToken.Alternative(
                            id: $0.token,
                            bytes: tokenizer.bytes(of: $0.token),
                            logprob: $0.logprob
                        )
                    }
                )
            )
        }
        let output = matcher.append(assembler.append(bytes))
        await send(output.text, into: sink)
        return output.stop != nil
    }

    /// Hands on what was held back, but no half of a character at which the answer was cut.
    private mutating func finish(into sink: ResponseSink, isCut: Bool) async {
        guard matcher.stop == nil else { return }
        let last = matcher.append(assembler.finish(isCut: isCut))
        await send(last.text, into: sink)
        if last.stop == nil { await send(matcher.finish(), into: sink) }
    }

    private mutating func send(_ piece: String, into sink: ResponseSink) async {
        var piece = piece
        if skipsWhitespace {
            piece.trimPrefix(while: \.isWhitespace)
            skipsWhitespace = piece.isEmpty
        }
        guard !piece.isEmpty else { return }
        text += piece
        await sink.send(piece)
    }
}

extension Request {
    /// A hash of what is asked (FNV-1a), equal in every process.
    var contentHash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ text: String) {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            // 0xFF never occurs in UTF-8, so it keeps the parts apart.
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        switch input {
        case .completion(let text): add(text)
        case .dialogue(let messages):
            for message in messages {
                add(message.role.rawValue)
                add(message.text)
            }
        }
        return hash
    }
}
