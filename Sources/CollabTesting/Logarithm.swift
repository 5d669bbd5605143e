#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The natural logarithm; that of zero is very small but finite, so that scripted probabilities never make NaNs.
func logarithm(_ value: Double) -> Double { log(max(value, 1e-30)) }
