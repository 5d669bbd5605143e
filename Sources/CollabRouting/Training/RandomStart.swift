import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension SeededGenerator {
    /// FNV-1a of a text: the same on every machine.
    static func hash(of text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// Spreads a number over all bits.
    static func spread(_ number: UInt64) -> UInt64 {
        var generator = SeededGenerator(seed: number)
        return generator.next()
    }

    /// A number drawn from the normal distribution of mean 0 and variance 1 (Box and Muller, 1958).
    mutating func nextNormal() -> Double {
        (-2 * log(1 - nextUnit())).squareRoot() * cos(2 * .pi * nextUnit())
    }

    /// Weights of a layer before it learns: evenly drawn, ±√(6 ∕ (inputs + outputs)) (X. Glorot, Y. Bengio, 2010).
    mutating func layer(outputs: Int, inputs: Int) -> [Float] {
        let limit = (6 / Double(max(inputs + outputs, 1))).squareRoot()
        return (0..<outputs * inputs).map { _ in Float((2 * nextUnit() - 1) * limit) }
    }
}

/// The logistic function.
func logistic(_ value: Float) -> Float {
    let power = expf(-abs(value))
    return (value >= 0 ? 1 : power) / (1 + power)
}

/// log(1 + eˢ) − y s without overflow: the loss of a logistic estimate σ(s) of a target y.
func logisticLoss(_ sum: Float, target: Float) -> Double {
    Double(max(sum, 0) + log1pf(expf(-abs(sum))) - target * sum)
}

/// e to a power.
func exponential(_ value: Float) -> Float { expf(value) }

/// The natural logarithm.
func logarithm(_ value: Float) -> Float { logf(value) }
