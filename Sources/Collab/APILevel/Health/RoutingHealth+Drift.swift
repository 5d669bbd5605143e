#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension RoutingHealth {
    /// What has changed between the older and the newer outcomes: the quality of members and of whole answers (a test of
    /// two shares), and the distribution of scores (Kolmogorov and Smirnov).
    static func drifts(_ outcomes: [RoutingOutcome], recent: Double, _ limits: Limits) -> [Drift] {
        let split = Int(Double(outcomes.count) * (1 - recent))
        let (older, newer) = (outcomes.prefix(split), outcomes.dropFirst(split))
        var drifts: [Drift] = []
        func compare(
            _ what: String,
            _ before: [Double],
            _ after: [Double],
            _ probability: ([Double], [Double]) -> Double
        ) {
            guard min(before.count, after.count) >= limits.minimumCount else { return }
            let chance = probability(before, after)
            guard chance < limits.driftProbability else { return }
            drifts.append(
                Drift(what: what, before: mean(before), after: mean(after), probability: chance)
            )
        }
        func answers(_ outcomes: ArraySlice<RoutingOutcome>) -> [Double] {
            var seen: Set<String> = []
            return outcomes.filter { seen.insert($0.id).inserted }.compactMap(\.outcome.quality)
        }
        compare("The quality of the answers", answers(older), answers(newer), chanceOfShares)
        for name in Set(outcomes.flatMap(\.members).map(\.name)).sorted() {
            func qualities(_ outcomes: ArraySlice<RoutingOutcome>) -> [Double] {
                outcomes.flatMap(\.members).filter { $0.name == name }.compactMap(\.quality)
            }
            compare("The quality of \(name)", qualities(older), qualities(newer), chanceOfShares)
        }
        for candidate in Set(outcomes.flatMap(\.scores.keys)).sorted() {
            func scores(_ outcomes: ArraySlice<RoutingOutcome>) -> [Double] {
                outcomes.compactMap { $0.scores[candidate] }
            }
            compare("The score of \(candidate)", scores(older), scores(newer), chanceOfDistributions)
        }
        return drifts.sorted { $0.probability < $1.probability }
    }

    /// How probable so different shares of good answers are if the true share is one: the two-sided z test with the
    /// pooled variance.
    static func chanceOfShares(_ before: [Double], _ after: [Double]) -> Double {
        func good(_ values: [Double]) -> Double { Double(values.count { $0 >= 0.5 }) }
        let (n, m) = (Double(before.count), Double(after.count))
        let pooled = (good(before) + good(after)) / (n + m)
        let variance = pooled * (1 - pooled) * (1 / n + 1 / m)
        guard variance > 0 else { return 1 }
        let z = (good(before) / n - good(after) / m) / variance.squareRoot()
        return erfc(abs(z) / 2.squareRoot())
    }

    /// How probable so different distributions are if there is one only: the two-sided test of Kolmogorov and Smirnov,
    /// by its asymptotic distribution.
    static func chanceOfDistributions(_ before: [Double], _ after: [Double]) -> Double {
        let (first, second) = (before.sorted(), after.sorted())
        var (i, j, distance) = (0, 0, 0.0)
        while i < first.count, j < second.count {
            let value = min(first[i], second[j])
            while i < first.count, first[i] == value { i += 1 }
            while j < second.count, second[j] == value { j += 1 }
            distance = max(
                distance,
                abs(Double(i) / Double(first.count) - Double(j) / Double(second.count))
            )
        }
        let (n, m) = (Double(first.count), Double(second.count))
        let scaled = (n * m / (n + m)).squareRoot() * distance
        if scaled < 0.2 { return 1 }
        var sum = 0.0
        for k in 1...100 {
            let term = exp(-2 * Double(k * k) * scaled * scaled)
            sum += k % 2 == 1 ? term : -term
            if term < 1e-17 { break }
        }
        return min(max(2 * sum, 0), 1)
    }
}
