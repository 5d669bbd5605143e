extension CommunicationReport {
    /// Measures talks.
    ///
    /// - Parameters:
    ///   - talks: the talks of one team, with the right answers where they are known.
    ///   - options: how many answers are possible; `nil` where that is not known. It scales the entropy.
    ///   - seed: of the resampling for the interval of the added value.
    public init(of talks: [Talk], options: Int? = nil, seed: UInt64 = 0) {
        let judged = talks.compactMap(JudgedTalk.init)
        let flips = talks.map(\.flips)
        let all = flips.flatMap { $0 }
        func share(_ count: Int, _ total: Int) -> Double? { total > 0 ? Double(count) / Double(total) : nil }
        func mean(_ values: [Double]) -> Double? {
            values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }

        self.talks = talks.count
        self.judged = judged.count
        addedValue =
            judged.isEmpty
            ? nil
            : .bootstrap(count: judged.count, seed: seed) { places in
                places.reduce(0) { $0 + judged[$1].final - judged[$1].vote } / Double(places.count)
            }
        openingAccuracy = mean(judged.flatMap { talk in talk.opening.map { $0 ? 1 : 0 } })
        voteAccuracy = mean(judged.map(\.vote))
        finalAccuracy = mean(judged.map(\.final))
        oracleAccuracy = share(judged.count { $0.opening.contains(true) }, judged.count)
        lostTruth = mean(judged.filter { $0.opening.contains(true) }.map { 1 - $0.final })

        rounds = Self.rounds(of: talks, options: options)
        openingKappa = Self.fleissKappa(talks.map { $0.answers(after: 0).compactMap { $0 } })
        finalKappa = Self.fleissKappa(
            talks.map { talk in talk.answers(after: talk.lastRound).compactMap { $0 } }
        )
        effectiveVotes = Self.effectiveVotes(of: talks)
        let pairs = judged.reduce((same: 0, all: 0)) { sum, talk in
            (sum.same + talk.sameWrong.same, sum.all + talk.sameWrong.all)
        }
        sameWrong = share(pairs.same, pairs.all)

        transitions = judged.reduce(into: Transitions()) { $1.count(into: &$0) }
        flipRate = share(all.count, talks.reduce(0) { $0 + $1.reconsiderations })
        conformity = share(all.count { $0.isConforming }, all.count)
        oscillation = share(all.count { $0.isReturn }, all.count)
        capitulations = Self.capitulations(all)

        edges = Self.edges(of: talks)
        let forwarded = talks.map(\.forwarded)
        redundancy = share(
            forwarded.reduce(0) { $0 + $1.messages - $1.distinct },
            forwarded.reduce(0) { $0 + $1.messages }
        )
        openingTokens = talks.reduce(0) { $0 + $1.tokens(in: ...0) }
        laterTokens = talks.reduce(0) { $0 + $1.tokens(in: 1...) }
        let spent = judged.reduce(0) { $0 + $1.talk.tokens(in: 1...) }
        let gain = transitions.wrongToRight - transitions.rightToWrong
        tokensPerCorrection = gain > 0 && spent > 0 ? Double(spent) / Double(gain) : nil
        warnings = []
        warnings = CommunicationWarning.warnings(about: talks, self)
    }

    private static func rounds(of talks: [Talk], options: Int?) -> [Round] {
        let spoken = talks.filter { $0.lastRound >= 0 }
        guard let last = spoken.map(\.lastRound).max() else { return [] }
        return (0...last).map { round in
            let count = Double(spoken.count)
            return Round(
                round: round,
                held: spoken.count { $0.lastRound >= round },
                agreement: spoken.reduce(0) { $0 + $1.agreement(after: round) } / count,
                entropy: spoken.reduce(0) { $0 + $1.entropy(after: round, options: options) } / count
            )
        }
    }

    private static func effectiveVotes(of talks: [Talk]) -> Double? {
        let judged = talks.filter { $0.truth != nil }
        guard let names = judged.first?.members.sorted(), names.count > 1 else { return nil }
        let examples = judged.map { talk in
            var held: [String: Answer] = [:]
            for (name, answer) in zip(talk.members, talk.answers(after: 0)) { held[name] = answer }
            return LabelledExample(truth: talk.truth ?? .unparsed, answers: names.map { held[$0] })
        }
        let correlations = names.indices.map { left in
            names.indices.map { right in
                left == right ? 1 : Calibration.correlation(of: left, right, in: examples)
            }
        }
        let members = names.map { Calibration.Member(name: $0, right: 0, asked: 0) }
        return Calibration(members: members, errorCorrelations: correlations).effectiveVotes
    }

    private static func capitulations(_ flips: [Talk.Flip]) -> [Capitulation] {
        var result: [Capitulation] = []
        for flip in flips {
            for other in flip.joined {
                let isFirst = flip.member < other
                let (first, second) = isFirst ? (flip.member, other) : (other, flip.member)
                let place =
                    result.firstIndex { $0.first == first && $0.second == second } ?? result.endIndex
                if place == result.endIndex {
                    result.append(
                        Capitulation(first: first, second: second, firstToSecond: 0, secondToFirst: 0)
                    )
                }
                if isFirst { result[place].firstToSecond += 1 } else { result[place].secondToFirst += 1 }
            }
        }
        return result.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
    }

    private static func edges(of talks: [Talk]) -> [Talk.Edge] {
        struct Key: Hashable {
            var round: Int
            var to: String
            var from: String
        }
        var sums: [Key: Talk.Edge] = [:]
        for edge in talks.flatMap(\.edges) {
            let key = Key(round: edge.round, to: edge.to, from: edge.from)
            if sums[key] == nil {
                sums[key] = edge
            } else {
                sums[key]?.messages += edge.messages
                sums[key]?.tokens += edge.tokens
            }
        }
        return sums.values.sorted { ($0.round, $0.to, $0.from) < ($1.round, $1.to, $1.from) }
    }
}
