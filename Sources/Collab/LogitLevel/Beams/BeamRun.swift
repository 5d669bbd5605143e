internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An answer that a beam search found, and what the trace should tell of it.
struct FoundBeam: Sendable {
    var beam: Beam
    /// Notes what was fused on the way to it.
    var note: @Sendable () -> Void
}

/// A beam search under way.
struct BeamRun {
    /// A beginning of an answer.
    private struct Running {
        var tokens: [TokenID] = []
        var logprob = 0.0
        var decoder: any Decoder
        /// What comes next; `nil` if nothing can.
        var logits: Logits?

        /// What its decoder has to tell, had it ended with a token.
        func notes(choosing token: TokenID?) -> @Sendable () -> Void {
            guard let noting = decoder as? any NotingDecoder else { return {} }
            return noting.notes(choosing: token)
        }
    }

    /// A beginning with one more token.
    private struct Candidate {
        var parent: Int
        var token: TokenID
        var logprob: Double
    }

    private let model: any LogitModel
    private let search: BeamSearch
    private let stops: [String]
    private let endTokens: Set<TokenID>
    private let limit: Int
    private var running: [Running]
    private var finished: [FoundBeam] = []
    private var length = 0
    /// How many tokens have been read behind the prompt, over all beams.
    private(set) var tokensRead = 0

    init(
        _ model: some LogitModel,
        _ search: BeamSearch,
        _ request: Request,
        _ start: DecodingStart
    ) {
        self.model = model
        self.search = search
        stops = request.options.stopSequences + start.stopSequences
        endTokens = model.tokenizer.endTokens
        let room =
            (start.decoder as? any BoundedDecoder)?.room ?? model.contextLength - start.decoder.position
        limit = min(request.options.maximumTokens ?? model.tokenizer.usualLimit, max(room, 0) + 1)
        running = [Running(decoder: start.decoder, logits: start.logits)]
    }

    /// The finished answers, best first.
    var results: [FoundBeam] { finished }

    /// Goes on by one token; false if the search is over.
    mutating func step() async throws(CollabError) -> Bool {
        try checkCancellation()
        if Run.isTimeUp {
            for beam in running {
                finish(beam.tokens, beam.logprob, .budgetExhausted, beam.notes(choosing: nil))
            }
            return false
        }
        let candidates = try bestCandidates()
        length += 1
        var goingOn: [Candidate] = []
        for (rank, candidate) in candidates.enumerated() {
            let tokens = running[candidate.parent].tokens + [candidate.token]
            let ending = ending(of: tokens)
            if let ending {
                let isEnd = endTokens.contains(candidate.token)
                if rank < search.width {
                    let notes = running[candidate.parent].notes(choosing: candidate.token)
                    finish(tokens.dropLast(isEnd ? 1 : 0), candidate.logprob, ending, notes)
                }
            } else if goingOn.count < search.width {
                goingOn.append(candidate)
            }
        }
        if goingOn.isEmpty { return false }
        if isOver(best: goingOn[0].logprob) { return false }
        try await goOn(with: goingOn)
        return true
    }

    /// The most probable continuations of all beams, best first.
    private func bestCandidates() throws(CollabError) -> [Candidate] {
        let count = max(2, 1 + endTokens.count) * search.width
        let vocabularySize = model.tokenizer.count
        var candidates: [Candidate] = []
        for (place, beam) in running.enumerated() {
            guard let logits = beam.logits else { continue }
            let (normalizer, top) = logits.values.prefix(vocabularySize).withUnsafeBufferPointer { values in
                (Distribution.logSumExp(values), Distribution.topK(count, of: values))
            }
            if normalizer == -.infinity { continue }
            guard normalizer.isFinite else {
                throw CollabError(
                    .notFinite,
                    "A logit of “\(model.name)” is NaN or +∞; the model or its weights are broken."
                )
            }
            for entry in top where entry.value > -.infinity {
                candidates.append(
                    Candidate(
                        parent: place,
                        token: TokenID(entry.index),
                        logprob: beam.logprob + Double(entry.value) - normalizer
                    )
                )
            }
        }
        // Of equal ones that of the better beam, then the lower token: as they stand.
        let order = candidates.indices.sorted { left, right in
            let (a, b) = (candidates[left].logprob, candidates[right].logprob)
            return a == b ? left < right : a > b
        }
        return order.prefix(count).map { candidates[$0] }
    }

    /// Why an answer is over; `nil` if it can go on.
    private func ending(of tokens: [TokenID]) -> Response.Ending? {
        if let last = tokens.last, endTokens.contains(last) { return .finished }
        if !stops.isEmpty, stopped(text(of: tokens)) != nil { return .finished }
        return tokens.count >= limit ? .tokenLimit : nil
    }

    private func text(of tokens: some Sequence<TokenID>, isCut: Bool = false) -> String {
        var assembler = TextAssembler()
        return assembler.append(tokens.flatMap { model.tokenizer.bytes(of: $0) })
            + assembler.finish(isCut: isCut)
    }

    /// A text up to the first stop sequence; `nil` if there is none in it.
    private func stopped(_ text: String) -> String? {
        guard var matcher = try? StopMatcher(stops) else { return nil }
        let output = matcher.append(text)
        return output.stop == nil ? nil : output.text
    }

    private mutating func finish(
        _ tokens: some Collection<TokenID>,
        _ logprob: Double,
        _ ending: Response.Ending,
        _ notes: @escaping @Sendable () -> Void
    ) {
        let text = text(of: tokens, isCut: ending != .finished)
        let beam = Beam(
            tokens: Array(tokens),
            text: stops.isEmpty ? text : stopped(text) ?? text,
            logprob: logprob,
            score: logprob / pow(Double(max(length, 1)), search.lengthPenalty),
            ending: ending
        )
        // Behind those that are as good.
        let place = finished.firstIndex { $0.beam.score < beam.score } ?? finished.count
        finished.insert(FoundBeam(beam: beam, note: notes), at: place)
        if finished.count > search.width { finished.removeLast() }
    }

    /// Whether what is finished is good enough.
    private func isOver(best: Double) -> Bool {
        guard finished.count == search.width, let worst = finished.last else { return false }
        switch search.stopping {
        case .whenFull: return true
        case .whenUnlikely: return best / pow(Double(length), search.lengthPenalty) <= worst.beam.score
        case .whenImpossible:
            let longest = search.lengthPenalty > 0 ? limit : length
            return best / pow(Double(longest), search.lengthPenalty) <= worst.beam.score
        }
    }

    /// Reads the chosen tokens, each on a decoder of its own.
    private mutating func goOn(with chosen: [Candidate]) async throws(CollabError) {
        var beams: [Running] = []
        var isTaken = Set<Int>()
        // The last child of a beam takes its decoder over; the others get forks.
        for candidate in chosen.reversed() {
            let parent = running[candidate.parent]
            let decoder: any Decoder
            if isTaken.insert(candidate.parent).inserted {
                decoder = parent.decoder
            } else {
                decoder = try await parent.decoder.fork()
                (decoder as? any NotingDecoder)?.inheritNotes(of: parent.decoder)
            }
            beams.append(
                Running(
                    tokens: parent.tokens + [candidate.token],
                    logprob: candidate.logprob,
                    decoder: decoder
                )
            )
        }
        beams.reverse()
        // Only now, since the forks have what came before.
        for beam in beams {
            guard let token = beam.tokens.last else { continue }
            (beam.decoder as? any BoundedDecoder)?.didChoose(token, at: beam.decoder.position)
        }
        let rows = try await concurrently(beams.map { ($0.decoder, $0.tokens.last ?? 0) }) {
            (decoder, token) async throws(CollabError) -> (next: Logits?, isFull: Bool) in
            do throws(CollabError) { return (try await decoder.append(token), false) } catch {
                // A beam that nothing can follow dies alone; one that is full is as long as it can be.
                if error.code == .nothingToSample { return (nil, false) }
                if error.code == .contextOverflow { return (nil, true) }
                throw error
            }
        }
        tokensRead += beams.count
        for (place, row) in rows.enumerated() {
            beams[place].logits = row.next
            if row.isFull {
                finish(
                    beams[place].tokens,
                    beams[place].logprob,
                    .tokenLimit,
                    beams[place].notes(choosing: nil)
                )
            }
        }
        running = beams
    }
}
