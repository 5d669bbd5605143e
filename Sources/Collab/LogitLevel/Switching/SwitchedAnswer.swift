/// An answer while several models write it in turn.
struct SwitchedAnswer {
    private let request: Request
    private let writers: [SwitchWriter]
    private let limit: Int
    private var generator: SeededGenerator
    private var bytes: [UInt8] = []
    private var assembler = TextAssembler()
    private var matcher: StopMatcher
    private var skipsWhitespace = false
    /// For each member, how many tokens of the answer are its.
    private var shares: [Int]
    /// How many words or patches there are, and at how many of them another than the first member wrote.
    private var turns = 0
    private var switches = 0
    private(set) var text = ""
    private(set) var written = 0
    private(set) var ending: Response.Ending?

    init(_ request: Request, _ starts: [DecodingStart], _ writers: [SwitchWriter], seed: UInt64)
        throws(CollabError)
    {
        self.request = request
        self.writers = writers
        shares = Array(repeating: 0, count: writers.count)
        let usual = writers.map(\.model.tokenizer.usualLimit).min() ?? Generation.defaultLimit
        let room = writers.map(\.room).min() ?? 0
        limit = min(request.options.maximumTokens ?? usual, max(room, 0) + 1)
        generator = SeededGenerator(seed: seed)
        matcher = try StopMatcher(request.options.stopSequences + starts.flatMap(\.stopSequences))
        if case .dialogue = request.input { skipsWhitespace = !starts.contains(where: \.keepsWhitespace) }
    }

    // MARK: Rules

    mutating func nudge(below threshold: Double, into sink: ResponseSink) async throws(CollabError) {
        let (base, nudger) = (writers[0], writers[1])
        while ending == nil {
            try checkGoingOn()
            if ending != nil { return }
            try await base.follow(bytes)
            let favourite = try base.favourite()
            let isBorder =
                bytes.last.map(\.isWhitespace) ?? true || favourite.bytes.isEmpty
                || favourite.bytes[0].isWhitespace
            if isBorder { turns += 1 }
            if isBorder, favourite.probability < threshold {
                switches += 1
                try await nudger.follow(bytes)
                try await take(try await nudger.writeWord(atMost: limit - written), of: 1, into: sink)
            } else {
                try await take(try await base.writeToken(), of: 0, into: sink)
            }
        }
    }

    mutating func mentor(_ share: Double, _ segment: Int, into sink: ResponseSink) async throws(CollabError) {
        while ending == nil {
            try checkGoingOn()
            if ending != nil { return }
            turns += 1
            try await writers[0].follow(bytes)
            guard generator.nextUnit() < share else {
                try await take(try await writers[0].writeWord(atMost: limit - written), of: 0, into: sink)
                continue
            }
            try await writers[1].follow(bytes)
            let own = try await writers[0].fork().writeWord()
            let other = try await writers[1].fork().writeWord()
            // Words and segments that were only tried out are dropped where the time was up meanwhile.
            try checkGoingOn()
            if ending != nil { return }
            if own.bytes == other.bytes {
                try await take(try await writers[0].writeWord(atMost: limit - written), of: 0, into: sink)
                continue
            }
            let segments = [
                try await writers[0].fork().writePatch(of: segment).bytes,
                try await writers[1].fork().writePatch(of: segment).bytes,
            ]
            try checkGoingOn()
            if ending != nil { return }
            let author = try await prefers(segments) ? 1 : 0
            try checkGoingOn()
            if ending != nil { return }
            if author == 1 { switches += 1 }
            let piece = try await writers[author].writePatch(of: min(segment, limit - written))
            try await take(piece, of: author, into: sink)
        }
    }

    /// Whether the generator prefers the second of two segments.
    private func prefers(_ segments: [[UInt8]]) async throws(CollabError) -> Bool {
        let model = writers[0].model
        let options = segments.map { String(decoding: $0, as: UTF8.self) }
        let question = Request(
            """
            Question: \(request.question)

            The answer so far: \(text)

            Which continuation is better?
            (A)\(options[0])
            (B)\(options[1])
            Answer with A or B.
            """
        )
        let start = try await model.startDecoding(question)
        let tokenizer = model.tokenizer
        func logit(_ label: String) throws(CollabError) -> Float {
            try [label, " " + label].map { (text) throws(CollabError) -> Float in
                let tokens = try tokenizer.encode(continuing: text)
                return tokens.count == 1 ? start.logits[tokens[0]] : -.infinity
            }.max() ?? -.infinity
        }
        return try logit("B") > logit("A")
    }

    mutating func patch(
        _ count: Int,
        _ selector: SwitchRule.PatchSelector,
        into sink: ResponseSink
    ) async throws(CollabError) {
        var author = -1
        var patches: [(author: Int, text: String)] = []
        while ending == nil {
            try checkGoingOn()
            if ending != nil { return }
            let last = author
            author = try await next(after: author, selector, patches, count)
            turns += 1
            try checkGoingOn()
            if ending != nil { return }
            if author != last, last >= 0 { switches += 1 }
            try await writers[author].follow(bytes)
            let piece = try await writers[author].writePatch(of: min(count, limit - written))
            patches.append((author, String(decoding: piece.bytes, as: UTF8.self)))
            try await take(piece, of: author, into: sink)
        }
    }

    private func next(
        after author: Int,
        _ selector: SwitchRule.PatchSelector,
        _ patches: [(author: Int, text: String)],
        _ count: Int
    ) async throws(CollabError) -> Int {
        switch selector {
        case .inTurn: return (author + 1) % writers.count
        case .mostConfident:
            var best = (author: 0, score: -Double.infinity)
            for (index, writer) in writers.enumerated() {
                try await writer.follow(bytes)
                let piece = try await writer.fork().writePatch(of: count)
                if piece.logprobPerByte > best.score { best = (index, piece.logprobPerByte) }
            }
            return best.author
        case .model(let model):
            let names = writers.enumerated().map { "\($0.offset + 1): \($0.element.model.name)" }
            let parts = patches.map { "[\($0.author + 1)] \($0.text)" }
            var question = Request(
                """
                Several authors write one answer, part by part. Authors:
                \(names.joined(separator: "\n"))

                Question: \(request.question)

                The answer so far:
                \(parts.isEmpty ? "(nothing yet)" : parts.joined(separator: "\n"))

                Which author should write the next part? Answer with the author's number alone.
                """
            )
            question.options.maximumTokens = 8
            let answer = try await model.respond(to: question).text
            let number = answer.split { !$0.isNumber }.first.flatMap { Int($0) } ?? 0
            return (1...writers.count).contains(number) ? number - 1 : max(author, 0)
        }
    }

    // MARK: Writing

    private mutating func checkGoingOn() throws(CollabError) {
        try checkCancellation()
        if Run.isTimeUp { ending = .budgetExhausted }
    }

    /// Takes a piece into the answer.
    private mutating func take(
        _ piece: SwitchWriter.Piece,
        of author: Int,
        into sink: ResponseSink
    ) async throws(CollabError) {
        bytes += piece.bytes
        written += piece.tokens
        shares[author] += piece.tokens
        let output = matcher.append(assembler.append(piece.bytes))
        await send(output.text, into: sink)
        if output.stop != nil || piece.isEnd {
            ending = .finished
        } else if piece.isCut || written >= limit {
            ending = .tokenLimit
        } else if piece.isLate {
            ending = .budgetExhausted
        }
    }

    /// Ends the answer where a member has no room for what was written.
    mutating func endAtLimit() { ending = .tokenLimit }

    mutating func finish(into sink: ResponseSink) async {
        guard matcher.stop == nil else { return }
        let last = matcher.append(assembler.finish(isCut: ending != .finished))
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

    /// Notes what members that are themselves made of several have to tell, and who wrote how much: the latter last, since
    /// it is what is found under keys that both have.
    func note(_ rule: SwitchRule) {
        for writer in writers { writer.note() }
        Run.note("rule", rule.name)
        Run.note(
            "tokens",
            zip(writers, shares).map { "\($0.model.name) \($1)" }.joined(separator: " · ")
        )
        guard turns > 0 else { return }
        let rate = Double(switches) / Double(turns)
        Run.note("switches", "\(switches) of \(turns) turns")
        if case .patches = rule { return }
        if turns >= 10, rate > 0.2 {
            Run.note(
                "warning",
                "the base was interrupted at \(Int((100 * rate).rounded())) % of the words; above 20 % answers tend to get worse"
            )
        }
    }
}
