/// How many members must answer at first; the others may fail, which is reported.
///
/// A member that fails later keeps the answer that it has. Only ``all`` insists on everybody in every round.
public struct Quorum: Hashable, Sendable, Codable, CustomStringConvertible {
    private enum Rule: Hashable, Sendable, Codable {
        case all
        case majority
        case atLeast(Int)
    }

    private var rule: Rule

    /// Everybody must answer.
    public static let all = Quorum(rule: .all)
    /// More than half must answer.
    public static let majority = Quorum(rule: .majority)
    /// At least so many must answer.
    public static func atLeast(_ count: Int) -> Quorum { Quorum(rule: .atLeast(count)) }

    /// How many of a team of some size must answer: at least one, at most all.
    public func needed(of count: Int) -> Int {
        let needed =
            switch rule {
            case .all: count
            case .majority: count / 2 + 1
            case .atLeast(let least): least
            }
        return min(max(needed, 1), max(count, 1))
    }

    /// Whether no failure at all is tolerated.
    var isStrict: Bool { rule == .all }

    /// The rule in words.
    public var description: String {
        switch rule {
        case .all: "all"
        case .majority: "a majority"
        case .atLeast(let count): "at least \(count)"
        }
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
