/// In which order the members of a round speak.
public enum TurnOrder: String, Hashable, Sendable, Codable {
    /// Side by side: nobody hears what is said in the same round.
    case simultaneous
    /// One after the other in declaration order: later ones hear earlier ones of the same round.
    case sequential
    /// One member a round, in declaration order, so that the stopping rules are asked after every turn.
    case alternating
    /// One after the other, in an order drawn anew for each round from the run's seed.
    case shuffled

    /// The order in which members speak.
    func order(of count: Int, round: Int) -> [Int] {
        if self == .alternating, count > 0 { return [max(round - 1, 0) % count] }
        var order = Array(0..<count)
        if self == .shuffled {
            var generator = SeededGenerator(seed: Run.current?.drawSeed("turn order") ?? UInt64(round))
            order.shuffle(using: &generator)
        }
        return order
    }
}
