extension DebateRules {
    /// How thoughts travel among the members of an exchange.
    public enum Exchange: String, Hashable, Sendable, Codable, CaseIterable {
        /// Everybody reads everybody.
        case memory
        /// The first member reads everybody, everybody reads the first.
        case report
        /// Everybody reads the member before it; the first reads the last.
        case relay
        /// Everybody reads the member above it and those below it in a tree of two branches.
        case debate

        /// Who hears whom in a team of some size.
        func topology(of count: Int) -> Topology {
            switch self {
            case .memory: .complete
            case .report: .star(hub: 0)
            case .relay: .custom((0..<count).map { [($0 + count - 1) % max(count, 1)] })
            case .debate: .tree(branching: 2)
            }
        }
    }

    /// Members exchange answers along one of four graphs until they agree; whoever has kept to its answer counts as surer.
    ///
    /// Yin et al. 2023, “Exchange-of-Thought”: three members, at most five rounds, then plurality. From its second statement
    /// on, a member's confidence is the share of its most frequent answer among its statements, and readers are told that
    /// less than one half probably means wrong. Deviation: no personas of its own; give them as ``DebateRules/roles``.
    /// Calls: n to n (1 + rounds).
    ///
    /// - Parameter members: how many members there are, which a relay has to know.
    public static func exchangeOfThought(
        _ exchange: Exchange = .memory,
        of members: Int = 3,
        rounds: Int = 5,
        answers: AnswerFormat = .freeText,
        wording: Wording = .english
    ) -> DebateRules {
        DebateRules(
            rounds: rounds,
            answers: answers,
            until: .unanimity,
            topology: exchange.topology(of: members),
            visibility: Visibility(span: .everything, namesAuthors: true),
            ballots: .last,
            prompts: .steadiness(in: wording)
        )
    }
}

extension DebatePrompts {
    /// Shows the latest answer of each other member with how steadily it has kept to it.
    public static func steadiness(in wording: Wording = .english) -> DebatePrompts {
        showing(
            "Each confidence says how steadily an answer was kept to; below 0.5 it is probably wrong. Give your final answer.",
            in: wording
        ) { steadiness(of: $0) }
    }

    private static func steadiness(of view: DebateView) -> [Exhibit] {
        var speakers: [Int] = []
        var said: [Int: [Statement]] = [:]
        for statement in view.others.flatMap(\.statements) {
            if said[statement.member] == nil { speakers.append(statement.member) }
            said[statement.member, default: []].append(statement)
        }
        return speakers.sorted().compactMap { member in
            guard let statements = said[member], let latest = statements.last else { return nil }
            let counts = statements.reduce(into: [Answer: Int]()) { $0[$1.answer, default: 0] += 1 }
            let share = Double(counts.filter { $0.key.isParsed }.values.max() ?? 0) / Double(statements.count)
            let text = latest.text.excerpt(600)
            return statements.count > 1
                ? Exhibit("# (confidence #)", text, of: [latest.speaker, "\(share.rounded(toPlaces: 2))"])
                : Exhibit("#", text, of: [latest.speaker])
        }
    }
}
