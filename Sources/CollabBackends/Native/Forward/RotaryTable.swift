#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The cosines and sines of one rotation, for as many positions as have been asked for.
struct RotaryTable {
    /// How many angles a position has.
    let pairs: Int
    /// The angle of each pair at position 1.
    private let frequencies: [Double]
    private var cosines: [Float] = []
    private var sines: [Float] = []

    /// A factor of cosines and sines.
    private let magnitude: Double

    init(_ rotation: TransformerConfiguration.Rotation, dimension: Int) {
        pairs = dimension / 2
        magnitude = rotation.magnitude
        let plain = TransformerConfiguration.Rotation.frequencies(base: rotation.base, dimension: dimension)
        frequencies = plain.enumerated().map { pair, frequency in
            let divisor = rotation.divisors.isEmpty ? 1 : rotation.divisors[pair]
            return frequency * rotation.positionScale / divisor
        }
    }

    /// Lends the cosines and sines of a position, one a pair.
    func withAngles(at position: Int, _ body: (UnsafePointer<Float>, UnsafePointer<Float>) -> Void) {
        cosines.withUnsafeBufferPointer { cosines in
            sines.withUnsafeBufferPointer { sines in
                guard let cosines = cosines.baseAddress, let sines = sines.baseAddress else { return }
                body(cosines + position * pairs, sines + position * pairs)
            }
        }
    }

    /// Makes sure that the positions up to `end` are there.
    mutating func extend(to end: Int) {
        var position = cosines.count / max(pairs, 1)
        guard position < end else { return }
        // Whole steps, so that a decoder does not reallocate at every token.
        let limit = (end + 255) / 256 * 256
        cosines.reserveCapacity(limit * pairs)
        sines.reserveCapacity(limit * pairs)
        while position < limit {
            for frequency in frequencies {
                let angle = Double(position) * frequency
                cosines.append(Float(magnitude * cos(angle)))
                sines.append(Float(magnitude * sin(angle)))
            }
            position += 1
        }
    }
}
