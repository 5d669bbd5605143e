#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What reading a model byte by byte has taken.
struct ByteStatistics: Hashable, Sendable {
    /// Forward passes after the prompt's.
    var forwardPasses = 0
    /// Bytes read.
    var bytes = 0
    /// The most segmentations that were followed at once.
    var mostHypotheses = 0
    /// The sum and the maximum, over the bytes, of the probability that pruning dropped.
    var droppedSum = 0.0
    var droppedMaximum = 0.0
    /// The largest probability that a step gave to tokens that are never written.
    var maskedMaximum = 0.0
    /// How often the text had left all segmentations that were followed.
    var recoveries = 0

    mutating func add(_ other: ByteStatistics) {
        forwardPasses += other.forwardPasses
        bytes += other.bytes
        mostHypotheses = max(mostHypotheses, other.mostHypotheses)
        droppedSum += other.droppedSum
        droppedMaximum = max(droppedMaximum, other.droppedMaximum)
        maskedMaximum = max(maskedMaximum, other.maskedMaximum)
        recoveries += other.recoveries
    }
}

/// Statistics of all decoders of one answer.
final class ByteStatisticsCollector: Sendable {
    private let sum = Protected(ByteStatistics())
    var statistics: ByteStatistics { sum.withLock { $0 } }
    func add(_ statistics: ByteStatistics) { sum.withLock { $0.add(statistics) } }
}

/// Notes for each model what reading it byte by byte took and left out.
func noteByteStatistics(_ models: [(name: String, statistics: ByteStatistics)]) {
    func note(_ key: String, where isKnown: (ByteStatistics) -> Bool, _ text: (ByteStatistics) -> String) {
        guard models.contains(where: { isKnown($0.statistics) }) else { return }
        Run.note(key, models.map { "\($0.name) \(text($0.statistics))" }.joined(separator: " · "))
    }
    note("forward passes", where: { $0.bytes > 0 }) { statistics in
        let rate = Double(statistics.forwardPasses) / Double(max(1, statistics.bytes))
        return "\(statistics.forwardPasses) (\(decimal(rate)) a byte)"
    }
    note("segmentations", where: { $0.bytes > 0 }) { "at most \($0.mostHypotheses)" }
    note("dropped mass", where: { $0.bytes > 0 }) { statistics in
        let mean = statistics.droppedSum / Double(max(1, statistics.bytes))
        return
            "\(decimal(mean, places: 6)) in the mean, at most \(decimal(statistics.droppedMaximum, places: 6))"
    }
    note("masked mass", where: { $0.maskedMaximum > 0 }) { "at most \(decimal($0.maskedMaximum, places: 6))" }
    note("recoveries", where: { $0.recoveries > 0 }) { "\($0.recoveries)" }
}

/// ln x.
func naturalLogarithm(_ value: Double) -> Double { log(value) }
