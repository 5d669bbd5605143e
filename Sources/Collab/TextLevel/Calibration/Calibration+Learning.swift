/// A question whose answer is known, and what each member of a team answered.
public struct LabelledExample: Hashable, Sendable, Codable {
    /// The right answer.
    public var truth: Answer
    /// What the members answered, in declaration order; `nil` where a member was not asked.
    public var answers: [Answer?]
    /// The kind of task, for a calibration of its own; `nil` if that is not told apart.
    public var kind: String?
    /// What each answer cost, in declaration order; `nil` where that was not measured.
    public var costs: [Money?]?
    /// How long each answer took, in declaration order; `nil` where that was not measured.
    public var latencies: [Duration?]?

    /// Makes an example.
    public init(
        truth: Answer,
        answers: [Answer?],
        kind: String? = nil,
        costs: [Money?]? = nil,
        latencies: [Duration?]? = nil
    ) {
        self.truth = truth
        self.answers = answers
        self.kind = kind
        self.costs = costs
        self.latencies = latencies
    }

    /// Whether a member is right; `nil` if it was not asked. What could not be read is wrong.
    public func isRight(_ member: Int) -> Bool? {
        answers[member].map { $0.isParsed && $0 == truth }
    }
}

extension Calibration {
    /// Learns from labelled examples: accuracies, correlations of errors, what agreement is worth, and, where examples tell
    /// them, mean costs and latencies. Each kind of task of which there are enough examples gets a calibration of its own
    /// (``subscript(kind:)``).
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if there are fewer than ``minimumExamples``, or if an example does
    /// not have an answer for each member.
    public init(of names: [String], from examples: [LabelledExample], options: Int = 2) throws(CollabError) {
        guard examples.count >= Self.minimumExamples else {
            throw CollabError(
                .invalidRequest,
                "\(examples.count) labelled examples are too few to learn from; give \(Self.minimumExamples) or more."
            )
        }
        if let index = examples.firstIndex(where: { $0.answers.count != names.count }) {
            throw CollabError(
                .invalidRequest,
                "Example \(index) has \(examples[index].answers.count) answers for \(names.count) members."
            )
        }
        let members = names.enumerated().map { index, name in
            let asked = examples.compactMap { $0.isRight(index) }
            return Member(
                name: name,
                right: asked.count { $0 },
                asked: asked.count,
                unparsed: examples.count { $0.answers[index] == .unparsed },
                cost: Self.meanCost(of: index, in: examples),
                latency: Self.meanLatency(of: index, in: examples)
            )
        }
        let correlations = names.indices.map { left in
            names.indices.map { right in
                left == right ? 1 : Self.correlation(of: left, right, in: examples)
            }
        }
        self.init(members: members, options: options, errorCorrelations: correlations)
        let solved = examples.count { example in names.indices.contains { example.isRight($0) == true } }
        oracle = Double(solved) / Double(examples.count)
        agreements = Self.agreements(of: names, in: examples)
        var learned: [String: Calibration] = [:]
        for kind in Set(examples.compactMap(\.kind)) {
            var own = examples.filter { $0.kind == kind }
            for index in own.indices { own[index].kind = nil }
            if own.count >= Self.minimumExamples, own.count < examples.count {
                learned[kind] = try Calibration(of: names, from: own, options: options)
            }
        }
        if !learned.isEmpty { kinds = learned }
    }

    /// Of equally frequent answers the one counts that was declared first.
    private static func agreements(of names: [String], in examples: [LabelledExample]) -> [Agreement] {
        var agreements: [Int: Agreement] = [:]
        for example in examples {
            let ballots = names.enumerated().map { index, name in
                Ballot(member: index, name: name, answer: example.answers[index] ?? .unparsed)
            }
            let tally = Aggregation.plurality.count(ballots, ties: .firstDeclared)
            guard let winner = tally.winner else { continue }
            let votes = tally.candidates[winner].ballots.count
            var agreement = agreements[votes] ?? Agreement(votes: votes, right: 0, asked: 0)
            agreement.asked += 1
            if tally.answer == example.truth { agreement.right += 1 }
            agreements[votes] = agreement
        }
        return agreements.values.sorted { $0.votes < $1.votes }
    }

    private static func meanCost(of member: Int, in examples: [LabelledExample]) -> Money? {
        let known = examples.compactMap { example in
            example.costs.flatMap { $0.indices.contains(member) ? $0[member] : nil }
        }
        return known.isEmpty ? nil : Money(known.reduce(0) { $0 + $1.units } / Double(known.count))
    }

    private static func meanLatency(of member: Int, in examples: [LabelledExample]) -> Duration? {
        let known = examples.compactMap { example in
            example.latencies.flatMap { $0.indices.contains(member) ? $0[member] : nil }
        }
        return known.isEmpty ? nil : known.reduce(.zero, +) / known.count
    }

    /// The φ coefficient of two members' errors; 0 if one of them is always right or always wrong.
    static func correlation(of left: Int, _ right: Int, in examples: [LabelledExample]) -> Double {
        var (both, onlyLeft, onlyRight, neither) = (0.0, 0.0, 0.0, 0.0)
        for example in examples {
            switch (example.isRight(left), example.isRight(right)) {
            case (false?, false?): both += 1
            case (false?, true?): onlyLeft += 1
            case (true?, false?): onlyRight += 1
            case (true?, true?): neither += 1
            default: continue
            }
        }
        let product =
            (both + onlyLeft) * (both + onlyRight) * (neither + onlyLeft) * (neither + onlyRight)
        return product > 0 ? (both * neither - onlyLeft * onlyRight) / product.squareRoot() : 0
    }
}
