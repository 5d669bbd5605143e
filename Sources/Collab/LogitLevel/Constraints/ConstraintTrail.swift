/// What constraints allow along an answer, for a fusion whose mask has to leave some of it.
struct ConstraintTrail: Sendable {
    private let processors: [ConstraintProcessor]
    /// The states after the answer's first 0, 1, … tokens; `nil` behind a token that a constraint forbids, as guesses may
    /// be.
    private var states: [[ConstraintProcessor.State]?]

    /// Begins where an answer does; `nil` without constraints.
    init?(_ constraints: [Constraint], _ tokenizer: any Tokenizer) {
        if constraints.isEmpty { return nil }
        processors = constraints.map { ConstraintProcessor($0, tokenizer) }
        states = [processors.map { $0.start(after: []) }]
    }

    /// How many tokens of the answer it has seen.
    var count: Int { states.count - 1 }

    /// Learns which tokens come next.
    mutating func append(_ tokens: some Sequence<TokenID>) {
        for token in tokens {
            guard var next = states[states.count - 1] else {
                states.append(nil)
                continue
            }
            var isAllowed = true
            for (index, processor) in processors.enumerated() where isAllowed {
                do throws(CollabError) { try processor.advance(&next[index], by: token) } catch {
                    isAllowed = false
                }
            }
            states.append(isAllowed ? next : nil)
        }
    }

    /// Forgets all but the answer's first tokens.
    mutating func truncate(to count: Int) {
        if count < self.count { states.removeSubrange((max(count, 0) + 1)...) }
    }

    /// The tokens that all constraints allow after so many; `nil` where nothing is allowed any more.
    func allowed(after count: Int) throws(CollabError) -> TokenMask? {
        guard states.indices.contains(count), let states = states[count] else { return nil }
        var allowed: TokenMask?
        for (processor, state) in zip(processors, states) {
            let mask = try processor.mask(in: state)
            if allowed == nil { allowed = mask } else { allowed?.formIntersection(mask) }
        }
        return allowed
    }
}
