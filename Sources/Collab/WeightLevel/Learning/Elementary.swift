#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What searches need of the C library beside ``naturalLogarithm(_:)``.
func cosine(_ angle: Double) -> Double { cos(angle) }
func exponential(_ value: Double) -> Double { exp(value) }
