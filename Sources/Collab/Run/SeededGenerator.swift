/// A small, fast, reproducible generator (SplitMix64, Steele et al. 2014): the same seed gives the same numbers on
/// every machine.
public struct SeededGenerator: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64
    private static let stride: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// Starts a sequence.
    public init(seed: UInt64) {
        state = seed
    }

    /// The generator as it is after so many numbers, at once.
    func advanced(by count: Int) -> SeededGenerator {
        SeededGenerator(seed: state &+ UInt64(count) &* Self.stride)
    }

    /// Spreads a small number over all bits.
    static func mix(_ number: UInt64) -> UInt64 {
        var generator = SeededGenerator(seed: number)
        return generator.next()
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= Self.stride
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number drawn evenly from 0 up to, not including, 1.
    public mutating func nextUnit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }
}
