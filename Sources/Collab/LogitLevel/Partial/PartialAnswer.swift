#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An answer while it is written from partial distributions.
struct PartialAnswer {
    private let rule: IntervalFusion
    private let names: [String]
    private let answers: [any TopLogprobAnswer]
    private let counts: ClosedRange<Int>
    private let tolerance: Double
    private let lookahead: Int
    private let sampling: Sampling
    private let limit: Int
    private var generator: SeededGenerator
    private var assembler = TextAssembler()
    private var matcher: StopMatcher
    private var skipsWhitespace = false
    private var exact = 0
    private var certain = 0
    private var approximate = 0
    private var bounds = 0.0
    private var worst = 0.0
    /// How exact each token is, in words.
    private var certainties: [String] = []
    private(set) var text = ""
    private(set) var tokens: [GeneratedToken] = []
    private(set) var written = 0
    /// The tokens that have been guessed and not come to pass yet.
    private var guesses: ArraySlice<[UInt8]> = []

    init(
        _ request: Request,
        _ rule: IntervalFusion,
        _ names: [String],
        _ answers: [any TopLogprobAnswer],
        _ counts: ClosedRange<Int>,
        _ tolerance: Double,
        _ lookahead: Int,
        seed: UInt64
    ) throws(CollabError) {
        self.rule = rule
        self.names = names
        self.answers = answers
        self.counts = counts
        self.tolerance = tolerance
        self.lookahead = lookahead
        sampling = request.options.sampling
        limit = request.options.maximumTokens ?? Generation.defaultLimit
        generator = SeededGenerator(seed: seed)
        matcher = try StopMatcher(request.options.stopSequences)
        let keepsWhitespace = answers.contains { ($0 as? LogitAnswer)?.keepsWhitespace ?? false }
        if case .dialogue = request.input { skipsWhitespace = !keepsWhitespace }
    }

    mutating func run(into sink: ResponseSink) async throws(CollabError) -> Response.Ending {
        while true {
            try checkCancellation()
            if Run.isTimeUp {
                await finish(into: sink, isCut: true)
                return .budgetExhausted
            }
            let step: IntervalFusion.Step
            do throws(CollabError) {
                try await foresee()
                step = try await self.step()
            } catch {
                // A server may learn only now that it has no room for what was written.
                guard error.code == .contextOverflow, written > 0 else { throw error }
                await finish(into: sink, isCut: true)
                return .tokenLimit
            }
            guard let choice = choose(step) else {
                throw CollabError(.nothingToSample, "No token is known well enough to be written.")
            }
            count(step, choice)
            written += 1
            if guesses.first == choice.bytes { guesses.removeFirst() } else { guesses = [] }
            if choice.bytes.isEmpty {
                await finish(into: sink, isCut: false)
                return .finished
            }
            tokens.append(
                GeneratedToken(id: nil, bytes: choice.bytes, logprob: choice.logprob, alternatives: [])
            )
            let output = matcher.append(assembler.append(choice.bytes))
            await send(output.text, into: sink)
            if output.stop != nil { return .finished }
            if written == limit {
                await finish(into: sink, isCut: true)
                return .tokenLimit
            }
            do throws(CollabError) { try await tell(choice.bytes) } catch {
                guard error.code == .contextOverflow else { throw error }
                await finish(into: sink, isCut: true)
                return .tokenLimit
            }
        }
    }

    /// Tells every member what has been written.
    private func tell(_ bytes: [UInt8]) async throws(CollabError) {
        _ = try await concurrently(Array(zip(names, answers))) {
            (name, answer) async throws(CollabError) in
            do throws(CollabError) { try await answer.write(bytes) } catch {
                throw error.within(name)
            }
        }
    }

    /// What the answer has to be, as constraints of members demand.
    var constraints: [Constraint] { answers.flatMap { ($0 as? LogitAnswer)?.constraints ?? [] } }

    /// What the members have used together for one answer.
    var usage: Usage {
        var usage = answers.reduce(Usage()) { $0 + $1.usage }
        usage.completionTokens = written
        return usage
    }

    /// Lets a local member guess what comes, if nothing is guessed, and the others look at the guesses.
    private mutating func foresee() async throws(CollabError) {
        guard lookahead > 0, guesses.isEmpty, answers.count > 1,
            let index = answers.firstIndex(where: { $0 is LogitAnswer }),
            let guesser = answers[index] as? LogitAnswer
        else { return }
        let count = counts.lowerBound
        do throws(CollabError) {
            let guessed = try await guesser.guesses(min(lookahead, limit - written))
            if guessed.isEmpty { return }
            _ = try await concurrently(Array(zip(names, answers))) {
                (name, answer) async throws(CollabError) in
                do throws(CollabError) { try await answer.foresee(guessed, count: count) } catch {
                    throw error.within(name)
                }
            }
            guesses = guessed[...]
        } catch {
            // The guesses may have no room where the next token has.
            guard error.code == .contextOverflow else { throw error }
        }
    }

    /// Asks for more of the most probable tokens until it is clear what to write, or the limit is reached.
    private mutating func step() async throws(CollabError) -> IntervalFusion.Step {
        var count = counts.lowerBound
        while true {
            let wanted = count
            let known = try await concurrently(Array(zip(names, answers))) {
                (name, answer) async throws(CollabError) -> PartialDistribution in
                do throws(CollabError) { return try await answer.next(count: wanted) } catch {
                    throw error.within(name)
                }
            }
            let isLast = count >= counts.upperBound
            let step: IntervalFusion.Step
            do throws(CollabError) { step = try rule.fuse(known) } catch {
                // A longer list may have what all of them know, and mends nothing else.
                if isLast || error.code != .nothingToSample { throw error }
                count = min(count * 2, counts.upperBound)
                continue
            }
            if isLast || isEnough(step) { return step }
            count = min(count * 2, counts.upperBound)
        }
    }

    private func isEnough(_ step: IntervalFusion.Step) -> Bool {
        if isGreedy { return step.isFavouriteCertain }
        switch step.certainty {
        case .exact: return true
        case .bounded(let bound): return bound <= tolerance
        case .approximate: return false
        }
    }

    private var isGreedy: Bool { sampling.temperature == 0 || sampling.topK == 1 }

    private mutating func choose(_ step: IntervalFusion.Step) -> PartialDistribution.Entry? {
        let kept = Array(step.scores.prefix(sampling.topK ?? step.scores.count))
        let sum =
            log(step.scores.reduce(0) { $0 + exp($1.logprob - step.scores[0].logprob) })
            + step.scores[0].logprob
        func normalised(_ entry: PartialDistribution.Entry) -> PartialDistribution.Entry {
            PartialDistribution.Entry(bytes: entry.bytes, logprob: entry.logprob - sum)
        }
        if isGreedy { return kept.first.map(normalised) }
        // From the largest on, which no temperature makes infinite.
        let largest = kept.first?.logprob ?? 0
        let weights = softmax(kept.map { ($0.logprob - largest) / sampling.temperature })
        var left = generator.nextUnit()
        for (entry, weight) in zip(kept, weights) {
            left -= weight
            if left < 0 { return normalised(entry) }
        }
        return kept.last.map(normalised)
    }

    private mutating func count(_ step: IntervalFusion.Step, _ choice: PartialDistribution.Entry) {
        if step.isFavouriteCertain { certain += 1 }
        let certainty: String
        switch step.certainty {
        case .exact:
            exact += 1
            certainty = "exact"
        case .bounded(let bound):
            bounds += bound
            worst = max(worst, bound)
            certainty = "± \(decimal(bound, places: 4))"
        case .approximate:
            approximate += 1
            certainty = "approximate"
        }
        let token = choice.bytes.isEmpty ? "(end)" : "“\(String(decoding: choice.bytes, as: UTF8.self))”"
        certainties.append("\(token) \(certainty)")
    }

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

    /// Notes how exact the answer is.
    func note() {
        Run.note("fusion", rule.fusion.name)
        Run.note("exact tokens", "\(exact) of \(written)")
        Run.note("certain favourites", "\(certain) of \(written)")
        if approximate > 0 { Run.note("approximate tokens", "\(approximate) of \(written)") }
        let bounded = written - exact - approximate
        if bounded > 0 {
            Run.note(
                "total variation",
                "at most \(decimal(bounds / Double(bounded), places: 4)) on average, \(decimal(worst, places: 4)) at worst, over \(bounded) tokens"
            )
        }
        Run.note("certainty", certainties.joined(separator: " · "))
        Run.note("requests", usage.calls)
    }
}
