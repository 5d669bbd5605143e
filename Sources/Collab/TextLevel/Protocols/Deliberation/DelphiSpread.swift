/// How the answers of a ``Delphi`` round are spread, and whose reasons are passed on.
struct DelphiSpread {
    /// The statements with numbers, least first (ties: declaration order).
    private(set) var sorted: [(value: Double, statement: Statement)] = []
    private let summary: [Exhibit]
    private let outliers: [Statement]

    init(of statements: [Statement], isNumeric: Bool, in wording: Wording) {
        guard isNumeric else {
            let tally = Self.tally(statements)
            let total = statements.count
            summary = tally.map {
                Exhibit(
                    "Share of “#”",
                    wording("# of #", "\($0.statements.count)", "\(total)"),
                    of: ["\($0.answer)"]
                )
            }
            let most = tally.map(\.statements.count).max() ?? 0
            outliers = tally.filter {
                $0.statements.count < most || tally.count { $0.statements.count == most } > 1
            }
            .compactMap { Statement.surest(of: $0.statements) }
            return
        }
        let numbers = statements.compactMap { statement in
            statement.answer.number.map { (value: $0, statement: statement) }
        }
        .sorted { ($0.value, $0.statement.member) < ($1.value, $1.statement.member) }
        sorted = numbers
        guard !numbers.isEmpty else {
            (summary, outliers) = ([], [])
            return
        }
        let (lower, middle, upper) = (
            Self.quantile(0.25, of: numbers.map(\.value)), Self.quantile(0.5, of: numbers.map(\.value)),
            Self.quantile(0.75, of: numbers.map(\.value))
        )
        summary = [
            Exhibit("Median of the group", Self.text(middle)),
            Exhibit("Middle half of the group", wording("from # to #", Self.text(lower), Self.text(upper))),
        ]
        outliers = numbers.filter { $0.value < lower || $0.value > upper }.map(\.statement)
    }

    /// The reasons that a member is given: those of others, without names.
    func reasons(for own: Statement) -> [Statement] {
        outliers.filter { $0.member != own.member && $0.answer != own.answer }
    }

    /// What a member is shown.
    func exhibits(for own: Statement, excerpt: (String) -> String) -> [Exhibit] {
        summary + Exhibit.numbered("Reasons for another answer", reasons(for: own).map { excerpt($0.text) })
    }

    /// The value below which a share of sorted numbers lies, between neighbours in proportion (Hyndman and Fan's type 7).
    static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }

    private static func text(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }

    private static func tally(_ statements: [Statement]) -> [DebateView.Group] {
        var groups: [DebateView.Group] = []
        for statement in statements where statement.answer.isParsed {
            if let index = groups.firstIndex(where: { $0.answer == statement.answer }) {
                groups[index].statements.append(statement)
            } else {
                groups.append(DebateView.Group(answer: statement.answer, statements: [statement]))
            }
        }
        return groups
    }
}

extension Answer {
    /// The number that a numeric answer stands for; fractions are spelled `1/3`.
    var number: Double? {
        guard let value else { return nil }
        let parts = value.split(separator: "/")
        if parts.count == 2, let above = Double(parts[0]), let below = Double(parts[1]), below != 0 {
            return above / below
        }
        return Double(value)
    }
}
