#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A cascade that decides while an answer is being written: after a few tokens it is accepted and streams on, or given up
/// and left to the next member.
///
/// A cascade that looks at whole answers pays for all of a bad one and can show nothing before the end. This one looks at
/// the geometric mean of the probabilities of the first tokens: a member that is not sure of them is stopped there. It
/// needs members that show their logits; the last may be any model, and streams from the first token. A short answer is
/// judged when it ends.
public struct EarlyCascade: Collaboration {
    /// What to call it in traces.
    public let name: String
    /// How many tokens decide.
    public let tokens: Int
    /// What the mean probability of these tokens must be above.
    public let threshold: Double
    private let members: [any LogitModel]
    private let last: any TextModel

    /// Makes a cascade.
    ///
    /// - Parameters:
    ///   - name: what to call it in traces.
    ///   - tokens: how many tokens decide.
    ///   - threshold: what their mean probability must be above.
    ///   - last: who answers if nobody is sure.
    ///   - members: who is asked first, cheapest first.
    public init(
        _ name: String = "early cascade",
        afterTokens tokens: Int = 8,
        above threshold: Double,
        otherwise last: any TextModel,
        @TeamBuilder members: () -> TeamMembers<LogitAccess>
    ) {
        self.name = name
        self.tokens = max(tokens, 1)
        self.threshold = threshold
        self.last = last
        self.members = members().members
    }

    /// What the members have in common.
    public var profile: ModelProfile { ModelProfile(of: members + [last]) }
    /// One call at least, one a member at most.
    public var callRange: ClosedRange<Int> { 1...(members.count + 1) }

    /// Asks in turn; what has been accepted streams on.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        var story: [String] = []
        var scores: [Decision.Score] = []
        func decide(on choice: String) {
            Run.record(
                Decision(
                    choice: choice,
                    reason: story.joined(separator: "; "),
                    scores: scores,
                    threshold: threshold,
                    asked: choice,
                    rule: "the mean probability of the first \(tokens) tokens above \(threshold)"
                )
            )
        }
        for seat in seats(for: members) {
            let output = CountingSink(sink)
            let gated = GatedModel(base: members[seat.index], tokens: tokens, threshold: threshold)
            do throws(CollabError) {
                let response = try await gated.respond(to: seat.addressed(request), into: output.entrance)
                let sureness = gated.sureness
                scores.append(Decision.Score(seat.name, sureness))
                let said = sureness.map { "\($0.rounded(toPlaces: 3))" } ?? "not measured"
                if gated.isAccepted {
                    story.append("\(seat.name): \(said) is above \(threshold)")
                    decide(on: seat.name)
                    return response
                }
                story.append("\(seat.name): \(said) is not above \(threshold), stopped")
            } catch {
                guard error.isSurvivable, output.isEmpty else { throw error.within(seat.name) }
                story.append("\(seat.name): failed (\(error.code))")
            }
        }
        scores.append(Decision.Score(last.name, nil))
        decide(on: last.name)
        return try await last.respond(to: request, into: sink)
    }
}

/// A model that holds its first tokens back until they have been judged.
private struct GatedModel: TextModel {
    let base: any LogitModel
    let tokens: Int
    let threshold: Double
    private let state = Protected(State())

    private struct State {
        var sureness: Double?
        var isOpen = false
        var held = ""
    }

    init(base: any LogitModel, tokens: Int, threshold: Double) {
        self.base = base
        self.tokens = tokens
        self.threshold = threshold
    }

    var name: String { base.name }
    var profile: ModelProfile { base.profile }
    var sureness: Double? { state.withLock { $0.sureness } }
    var isAccepted: Bool { state.withLock { $0.isOpen } }

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await generate(request, base, into: sink)
    }

    private func generate(
        _ request: Request,
        _ model: some LogitModel,
        into sink: ResponseSink
    ) async throws(CollabError) -> Response {
        let seed = model.generationSeed(for: request)
        try checkCancellation()
        let start = try await model.startDecoding(request)
        var asked = request
        asked.options.reportsLogprobs = true
        var generation = try Generation(model, asked, seed: seed, start: start)
        generation.goesOn = { written in written.count < tokens || judge(written) }
        let response = try await generation.run(
            into: ResponseSink(isDiscarding: sink.isDiscarding) { piece in
                let ready = state.withLock { state in
                    state.held += piece
                    guard state.isOpen else { return "" }
                    defer { state.held = "" }
                    return state.held
                }
                await sink.send(ready)
            }
        )
        if judge(response.tokens ?? []) { await sink.send(state.withLock { $0.held }) }
        return response
    }

    /// Judges the first tokens, once.
    private func judge(_ written: [GeneratedToken]) -> Bool {
        state.withLock { state in
            if state.sureness == nil, !written.isEmpty {
                let first = written.prefix(tokens)
                let value = exp(first.reduce(0) { $0 + $1.logprob } / Double(first.count))
                state.sureness = value
                state.isOpen = value > threshold
            }
            return state.isOpen
        }
    }
}
