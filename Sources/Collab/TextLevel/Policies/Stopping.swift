/// When members stop talking.
///
/// Rules combine with `&&` and `||`: `.unanimity || .share(above: 0.8) || .stable`. Every run says which one fired.
public struct Stopping: Sendable, CustomStringConvertible {
    /// What a rule says once it fires.
    public struct Verdict: Hashable, Sendable {
        /// The rule that fired.
        public var rule: String
        /// Whether it means that the members agree, so that their answer can be taken as settled.
        public var isAgreement: Bool

        /// Makes a verdict.
        public init(rule: String, isAgreement: Bool) {
            self.rule = rule
            self.isAgreement = isAgreement
        }
    }

    /// The rule in words.
    public let description: String
    private let rule: Rule

    private indirect enum Rule: Sendable {
        case looking(@Sendable (DebateTable) -> Verdict?)
        case asking(any StoppingJudge)
        case both(Stopping, Stopping)
        case either(Stopping, Stopping)
    }

    private init(_ description: String, rule: Rule) {
        self.description = description
        self.rule = rule
    }

    /// Makes a rule; it returns a verdict where the talk should end, and `nil` where it should go on.
    public init(_ description: String, judge: @escaping @Sendable (DebateTable) -> Verdict?) {
        self.init(description, rule: .looking(judge))
    }

    /// Makes a rule that asks a model.
    public init(_ description: String, asking judge: any StoppingJudge) {
        self.init(description, rule: .asking(judge))
    }

    /// What the rule says after the latest round, without asking anybody: whoever would have to be asked says nothing.
    public func verdict(on table: DebateTable) -> Verdict? {
        switch rule {
        case .looking(let look): look(table)
        case .asking: nil
        case .both(let left, let right):
            Self.both(left.verdict(on: table), right.verdict(on: table))
        case .either(let left, let right): left.verdict(on: table) ?? right.verdict(on: table)
        }
    }

    /// What the rule says after the latest round; a model is asked only where the rest of the rule leaves it open.
    public func verdict(on table: DebateTable, of request: Request) async throws(CollabError) -> Verdict? {
        switch rule {
        case .looking(let look): return look(table)
        case .asking(let judge):
            return try await judge.isSettled(table, request)
                ? Verdict(rule: description, isAgreement: true) : nil
        case .both(let left, let right):
            guard let first = try await left.verdict(on: table, of: request) else { return nil }
            return Self.both(first, try await right.verdict(on: table, of: request))
        case .either(let left, let right):
            if let first = try await left.verdict(on: table, of: request) { return first }
            return try await right.verdict(on: table, of: request)
        }
    }

    private static func both(_ first: Verdict?, _ second: Verdict?) -> Verdict? {
        guard let first, let second else { return nil }
        return Verdict(
            rule: "\(first.rule) and \(second.rule)",
            isAgreement: first.isAgreement || second.isAgreement
        )
    }

    /// The models that the rule asks.
    var models: [any TextModel] {
        switch rule {
        case .looking: []
        case .asking(let judge): [judge.model]
        case .both(let left, let right), .either(let left, let right): left.models + right.models
        }
    }

    /// Everybody who has spoken gives the same answer, and it could be read.
    public static let unanimity = agreement("unanimity") { $0.share == 1 }

    /// More than a share of those who have spoken give the same answer. Unparsed answers count as disagreeing.
    public static func share(above share: Double) -> Stopping {
        agreement("share above \(share)") { $0.share > share }
    }

    /// At least so many members give the same answer.
    public static func votes(_ count: Int) -> Stopping {
        agreement("\(count) equal votes") { tally in
            tally.winner.map { tally.candidates[$0].ballots.count >= count } ?? false
        }
    }

    /// So many members give the same answer that it is right so often, as a calibration has learned; never, if no number
    /// of votes was seen to be enough (``Calibration/votes(reaching:)``).
    public static func votes(reaching accuracy: Double, by calibration: Calibration) -> Stopping {
        calibration.votes(reaching: accuracy).map(votes)
            ?? Stopping("votes that are right in \(accuracy) of cases, which was not seen") { _ in nil }
    }

    /// So many rounds have been held after the opening one.
    public static func rounds(_ count: Int) -> Stopping {
        Stopping("\(count) round\(count == 1 ? "" : "s")") { table in
            table.round >= count
                ? Verdict(rule: "\(count) round\(count == 1 ? "" : "s")", isAgreement: false) : nil
        }
    }

    /// Nobody has changed its answer in the latest round.
    public static let stable = Stopping("stable answers") { table in
        guard table.round >= 1, table.flips(in: table.round).isEmpty else { return nil }
        return Verdict(rule: "stable answers", isAgreement: false)
    }

    /// Nobody has changed its answer in so many latest rounds; where one member speaks a round, a lap of the table.
    public static func stable(for rounds: Int) -> Stopping {
        let rounds = max(rounds, 1)
        let name = "stable answers for \(rounds) round\(rounds == 1 ? "" : "s")"
        return Stopping(name) { table in
            guard table.round >= rounds else { return nil }
            let moves = (table.round - rounds + 1...table.round).contains { !table.flips(in: $0).isEmpty }
            return moves ? nil : Verdict(rule: name, isAgreement: false)
        }
    }

    /// Goes on as long as rounds are left.
    public static let never = Stopping("never") { _ in nil }

    /// Goes on until both rules say stop.
    public static func && (left: Stopping, right: Stopping) -> Stopping {
        Stopping("(\(left) and \(right))", rule: .both(left, right))
    }

    /// Stops as soon as one of the rules says stop; the left one is asked first.
    public static func || (left: Stopping, right: Stopping) -> Stopping {
        Stopping("(\(left) or \(right))", rule: .either(left, right))
    }

    private static func agreement(_ name: String, _ holds: @escaping @Sendable (Tally) -> Bool) -> Stopping {
        Stopping(name) { table in
            let tally = Aggregation.plurality.count(table.ballots(.last), ties: .firstDeclared)
            return tally.winner != nil && holds(tally) ? Verdict(rule: name, isAgreement: true) : nil
        }
    }
}
