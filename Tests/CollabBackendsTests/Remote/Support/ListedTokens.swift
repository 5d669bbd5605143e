import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension PartialDistribution {
    /// What the fault server lists after a token: see `listed` there.
    static func listed(after before: UInt8, _ count: Int) -> PartialDistribution {
        let parts = (UInt8(97)..<105).map { ($0, 1 + (31 * Int(before) + Int($0)) % 7) }
        let whole = parts.reduce(8) { $0 + $1.1 }
        return PartialDistribution(
            parts.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(count).map {
                PartialDistribution.Entry(bytes: [$0.0], logprob: log(Double($0.1) / Double(whole)))
            }
        )
    }

    /// Whether it is what the fault server lists after a token.
    func isListed(after before: UInt8, _ count: Int) -> Bool {
        let wanted = Self.listed(after: before, count)
        return entries.count == count
            && zip(entries, wanted.entries).allSatisfy {
                $0.bytes == $1.bytes && abs($0.logprob - $1.logprob) < 1e-9
            } && abs(unseenMass - wanted.unseenMass) < 1e-9
            && abs(unseenBound - wanted.unseenBound) < 1e-9
    }
}
