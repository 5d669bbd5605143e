/// In which order the members of a round speak.
public enum TurnOrder: String, Hashable, Sendable, Codable {
    /// Side by side: nobody hears what is said in the same round.
    case simultaneous
    /// One after the other in declaration order: later ones hear earlier ones of the same round.
    case sequential
    /// One after the other, in an order drawn anew for each round from the run's seed.
    case shuffled

    /// The order in which members speak.
    func order(of count: Int, round: Int) -> [Int] {
        var order = Array(0..<count)
        if self == .shuffled {
            var generator = SeededGenerator(seed: Run.current?.drawSeed("turn order") ?? UInt64(round))
            order.shuffle(using: &generator)
        }
        return order
    }
}
