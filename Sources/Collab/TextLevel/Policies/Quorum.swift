/// How many members must answer at first, and how long they are waited for; the others may fail, which is reported.
///
/// A member that fails later keeps the answer that it has. Only ``all`` insists on everybody in every round.
public struct Quorum: Hashable, Sendable, Codable, CustomStringConvertible {
    private enum Rule: Hashable, Sendable, Codable {
        case all
        case majority
        case atLeast(Int)
        case firstSuccess
    }

    private var rule: Rule
    /// How long a round may take; whoever has not answered by then is called off, and has failed. `nil`: as long as it does.
    public private(set) var patience: Duration?

    /// Everybody must answer.
    public static let all = Quorum(rule: .all)
    /// More than half must answer.
    public static let majority = Quorum(rule: .majority)
    /// At least so many must answer.
    public static func atLeast(_ count: Int) -> Quorum { Quorum(rule: .atLeast(count)) }
    /// Whoever answers first is enough: the others are called off.
    ///
    /// Who that is depends on who is quicker, so that the same seed need not give the same run.
    public static let firstSuccess = Quorum(rule: .firstSuccess)

    /// As many as before, of those who answer in time, on the run's clock: `.majority.within(.seconds(20))`.
    ///
    /// Where members speak one after the other each has that time.
    public func within(_ patience: Duration) -> Quorum {
        var quorum = self
        quorum.patience = patience
        return quorum
    }

    /// How many of a team of some size must answer: at least one, at most all.
    public func needed(of count: Int) -> Int {
        let needed =
            switch rule {
            case .all: count
            case .majority: count / 2 + 1
            case .atLeast(let least): least
            case .firstSuccess: 1
            }
        return min(max(needed, 1), max(count, 1))
    }

    /// Whether no failure at all is tolerated.
    var isStrict: Bool { rule == .all }

    /// Whether a single answer ends the waiting for others.
    var endsAtFirst: Bool { rule == .firstSuccess }

    /// The rule in words.
    public var description: String {
        let count =
            switch rule {
            case .all: "all"
            case .majority: "a majority"
            case .atLeast(let count): "at least \(count)"
            case .firstSuccess: "one"
            }
        return patience.map { "\(count) within \($0)" } ?? count
    }

    /// Throws the first failure, in declaration order, if too few have answered.
    func check(_ answered: Int, of count: Int, failures: [CollabError]) throws(CollabError) {
        guard answered < needed(of: count), let first = failures.first else { return }
        throw CollabError(
            first.code,
            "\(answered) of \(count) members answered; \(description) must. The first failure is the cause.",
            cause: first
        )
    }
}
