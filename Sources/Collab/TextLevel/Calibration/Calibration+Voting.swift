#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Calibration {
    /// The weight of a member's vote: ln(p (K − 1) / (1 − p)) of its accuracy p among K options, which is best for
    /// independent members; 0 for one that is no better than chance, that is unknown, or that the gate keeps out.
    ///
    /// - Parameter gate: only members whose accuracy is at most so much below the best one's vote; `nil`: all do.
    public func weight(of name: String, gate: Double? = 0.15) -> Double {
        guard let member = self[name], let best = bestSingle else { return 0 }
        if let gate, member.accuracy < best.accuracy - gate { return 0 }
        let odds = member.accuracy * Double(max(options, 2) - 1) / (1 - member.accuracy)
        return max(log(odds), 0)
    }

    /// The fewest equal votes from which on the most frequent answer is right so often: what a vote, a debate or a cascade
    /// should ask for before it believes its members. `nil` if no number of votes is known to be enough.
    ///
    /// Numbers of votes that were not seen are passed over; with few examples Laplace's smoothing asks for more votes.
    public func votes(reaching accuracy: Double) -> Int? {
        let unreliable = (agreements ?? []).last { !($0.accuracy >= accuracy) }
        return (agreements ?? []).first { $0.votes > unreliable?.votes ?? 0 }?.votes
    }

    /// The members of a team of some size whose accuracy and independence promise most: greedily the one that raises
    /// (mean log-odds weight) × (effective votes) most, beginning with the best single one.
    public func team(of size: Int) -> [String] {
        guard size > 0,
            var chosen = bestSingle.flatMap({ best in members.firstIndex { $0.name == best.name } })
                .map({ [$0] })
        else { return [] }
        while chosen.count < min(size, members.count) {
            var next: (index: Int, worth: Double)?
            for index in members.indices where !chosen.contains(index) {
                let worth = worth(of: chosen + [index])
                if worth > next?.worth ?? -.infinity { next = (index, worth) }
            }
            guard let next else { break }
            chosen.append(next.index)
        }
        return chosen.sorted().map { members[$0].name }
    }

    private func worth(of team: [Int]) -> Double {
        let weights = team.reduce(0) { $0 + weight(of: members[$1].name, gate: nil) } / Double(team.count)
        guard team.count > 1, errorCorrelations.count == members.count,
            errorCorrelations.allSatisfy({ $0.count == members.count })
        else { return weights }
        var sum = 0.0
        for left in team { for right in team where left != right { sum += errorCorrelations[left][right] } }
        let mean = sum / Double(team.count * (team.count - 1))
        let count = Double(team.count)
        return weights * min(count / max(1 + (count - 1) * mean, 1e-9), count)
    }

    /// Who hears whom, with members that are no better than chance heard by nobody: a broken or hostile peer cannot
    /// mislead the others.
    public func maskingWorst(_ topology: Topology = .complete) -> Topology {
        let isTrusted = members.map { weight(of: $0.name, gate: nil) > 0 }
        return .custom(
            members.indices.map { member in
                topology.heard(by: member, of: members.count).filter { isTrusted[$0] }
            }
        )
    }
}

extension Aggregation {
    /// Votes weigh the log-odds of their members' calibrated accuracy; only members near the best one vote.
    ///
    /// Ties go to the more accurate member. If no member is better than chance nobody's vote weighs anything, and the
    /// tie goes to the most accurate one; if the calibration knows none of those who vote, to the plurality.
    public static func logOdds(_ calibration: Calibration, gate: Double? = 0.15) -> Aggregation {
        Aggregation(
            "log-odds vote",
            weight: { calibration.weight(of: $0.name, gate: gate) },
            preferring: { calibration[$0.name]?.accuracy ?? 0 }
        )
    }

    /// One member, one vote; ties go to the more accurate member.
    public static func plurality(preferring calibration: Calibration) -> Aggregation {
        Aggregation(
            "plurality, ties to the more accurate",
            weight: { _ in 1 },
            preferring: { calibration[$0.name]?.accuracy ?? 0 }
        )
    }

    /// The answer of the member that is right most often; of the next best if it gave none.
    public static func bestMember(_ calibration: Calibration) -> Aggregation {
        Aggregation(
            "the best member",
            weight: { _ in 0 },
            preferring: { calibration[$0.name]?.accuracy ?? 0 }
        )
    }
}
